package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"tidu/client/tiduv1"
)

// EmptyDigest is the digest of an empty copy.
func EmptyDigest() []byte { return make([]byte, sha256.Size) }

// FollowOptions tell where to begin and what to deliver. The zero value follows the whole log from
// its first event.
type FollowOptions struct {
	// FromPosition is the NextPosition of the last batch that is stored.
	FromPosition uint64
	// LogID of the copy. Empty: that of the first answer.
	LogID string
	// Epoch is the highest that was stored. A node of a lower one has been succeeded, and is left.
	Epoch uint64
	// Filter of the events. Nil: all.
	Filter *tiduv1.EventFilter
	// Digest of the copy below FromPosition, 32 bytes. It turns the comparison of digests on.
	Digest []byte
	// Heartbeat that is asked of the server: 1 s to 300 s. 0: 10 s.
	Heartbeat time.Duration
	// StopPosition ends the iteration once everything below it came. Nil: never.
	StopPosition *uint64
	// Gaps allows positions to be missing without a filter, as for a reader to whom events are
	// hidden.
	Gaps bool
	// OnRetry is called before each pause. Nil: a warning in the default log.
	OnRetry func(err error, pause time.Duration)
}

// Batch is one message of the server. Heartbeats come as batches without events.
type Batch struct {
	// Events in order, and Leaves, their stored bytes, in the same order.
	Events []*tiduv1.RecordedEvent
	Leaves [][]byte
	// Withheld is the place of an event that the caller may not read. Nil: none.
	Withheld *tiduv1.Withheld
	// NextPosition, LogID and Digest: store them in the same transaction as the events.
	NextPosition uint64
	LogID        string
	// Epoch of the node: a promotion raises it. Store it too.
	Epoch uint64
	// Digest after this batch; nil if FollowOptions had none.
	Digest []byte
	// CaughtUp and LogSize are those of the last progress.
	CaughtUp bool
	LogSize  uint64
	// ScopeChangedFrom is set once after the caller's rights became wider: from this position on,
	// earlier events may match that did not before.
	ScopeChangedFrom *uint64
}

var (
	errBroke  = errors.New("the caller left the loop")
	errSilent = errors.New("silence")
)

// Follow delivers the log in order, each event once, and goes on for ever: it connects again after
// every fault that may pass. The last pair has an error, and a nil batch: an *Error, or that of the
// context.
func (c *Client) Follow(ctx context.Context, options FollowOptions) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		f := newFollower(options)
		for pause := (pauses{}); ; {
			before, began, turn := f.next, time.Now(), c.turn.Load()
			err := f.attempt(ctx, c, turn, yield)
			switch {
			case err == nil || err == errBroke:
				return
			case ctx.Err() != nil:
				yield(nil, ctx.Err())
				return
			}
			failure := asError(err)
			if failure.Code == codes.Aborted && failure.Reason == "SCOPE_CHANGED" {
				if !yield(f.scopeChanged(failure), nil) {
					return
				}
				continue
			}
			elsewhere := len(c.nodes) > 1 && forAnotherNode(failure)
			if !elsewhere && !retryable(failure) {
				yield(nil, failure)
				return
			}
			c.leave(turn)
			if f.next > before || time.Since(began) >= pauseMax {
				pause = pauses{}
			}
			now := pause.next(failure.RetryAfter)
			f.OnRetry(failure, now)
			if !sleep(ctx, now) {
				yield(nil, ctx.Err())
				return
			}
		}
	}
}

// follower has the place that a subscription has reached.
type follower struct {
	FollowOptions
	next     uint64
	caughtUp bool
	logSize  uint64
	// named is true once this stream has named its log.
	named bool
}

func newFollower(options FollowOptions) *follower {
	f := &follower{FollowOptions: options, next: options.FromPosition}
	if f.Heartbeat == 0 {
		f.Heartbeat = 10 * time.Second
	}
	if f.Filter != nil && proto.Size(f.Filter) > 0 {
		f.Gaps = true
	}
	if f.OnRetry == nil {
		f.OnRetry = func(err error, pause time.Duration) {
			slog.Warn(fmt.Sprintf("%v; connecting again in %.1f s", err, pause.Seconds()))
		}
	}
	return f
}

// attempt follows until the connection breaks; nil at StopPosition. It has a connection of its own,
// because a dead one would be used again.
func (f *follower) attempt(
	ctx context.Context, c *Client, turn uint64, yield func(*Batch, error) bool,
) error {
	conn, err := c.dial(c.nodes[turn%uint64(len(c.nodes))])
	if err != nil {
		// A file may be in replacement: it could be read at Connect.
		return &Error{Code: codes.Unavailable, Message: err.Error()}
	}
	defer conn.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Only the time in which the server is waited for counts, not the caller's work.
	silence := time.AfterFunc(2*f.Heartbeat, func() { cancel(errSilent) })
	defer silence.Stop()
	f.named = false
	stream, err := tiduv1.NewLedgerServiceClient(conn).Subscribe(ctx, f.request())
	for err == nil {
		var message *tiduv1.SubscribeResponse
		if message, err = stream.Recv(); err != nil {
			break
		}
		silence.Stop()
		batch, fault := f.take(message)
		if fault != nil {
			return fault
		}
		if !yield(batch, nil) {
			return errBroke
		}
		silence.Reset(2 * f.Heartbeat)
	}
	switch {
	case context.Cause(ctx) == errSilent:
		message := fmt.Sprintf("no message came for %g s", (2 * f.Heartbeat).Seconds())
		return &Error{Code: codes.Unavailable, Message: message}
	case err == io.EOF && f.StopPosition != nil && f.next >= *f.StopPosition:
		return nil
	case err == io.EOF:
		return &Error{Code: codes.Unavailable, Message: "the stream ended"}
	}
	return err
}

func (f *follower) request() *tiduv1.SubscribeRequest {
	return &tiduv1.SubscribeRequest{
		Start:             &tiduv1.SubscribeRequest_FromPosition{FromPosition: f.next},
		LogId:             f.LogID,
		Filter:            f.Filter,
		StopPosition:      f.StopPosition,
		HeartbeatInterval: durationpb.New(f.Heartbeat),
		Raw:               true,
		Digest:            f.Digest,
	}
}

// take checks a message and makes a batch of it.
func (f *follower) take(message *tiduv1.SubscribeResponse) (*Batch, error) {
	batch := &Batch{}
	var err error
	switch payload := message.Payload.(type) {
	case *tiduv1.SubscribeResponse_Progress:
		err = f.takeProgress(payload.Progress)
	case *tiduv1.SubscribeResponse_RawEvents:
		batch.Leaves = payload.RawEvents.Leaves
		batch.Events, err = f.takeEvents(payload.RawEvents)
	case *tiduv1.SubscribeResponse_Withheld:
		batch.Withheld = payload.Withheld
		err = f.advance(payload.Withheld.Position, payload.Withheld.LeafHash)
	default:
		err = fault(Protocol, nil, "a message without a known content came")
	}
	if err != nil {
		return nil, err
	}
	f.fill(batch)
	return batch, nil
}

func (f *follower) fill(batch *Batch) {
	batch.NextPosition, batch.LogID, batch.Digest = f.next, f.LogID, f.Digest
	batch.CaughtUp, batch.LogSize, batch.Epoch = f.caughtUp, f.logSize, f.Epoch
}

func (f *follower) takeProgress(progress *tiduv1.Progress) error {
	if f.LogID == "" {
		f.LogID = progress.LogId
	}
	if progress.LogId != f.LogID {
		metadata := map[string]string{"log_id": progress.LogId, "expected": f.LogID}
		return fault(LogIDMismatch, metadata, "the log is %s, not %s", progress.LogId, f.LogID)
	}
	if progress.Epoch < f.Epoch {
		found, known := strconv.FormatUint(progress.Epoch, 10), strconv.FormatUint(f.Epoch, 10)
		return &Error{
			Reason: "STALE_EPOCH", Code: codes.FailedPrecondition,
			Metadata: map[string]string{"epoch": found, "known_epoch": known},
			Message:  "the node is of epoch " + found + " and has been succeeded: epoch " + known + " is known",
		}
	}
	f.named, f.Epoch = true, progress.Epoch
	if err := f.pass(progress.NextPosition); err != nil {
		return err
	}
	if f.Digest != nil && !bytes.Equal(progress.Digest, f.Digest) {
		found, expected := hex.EncodeToString(progress.Digest), hex.EncodeToString(f.Digest)
		next := strconv.FormatUint(f.next, 10)
		metadata := map[string]string{"digest": found, "expected": expected, "next_position": next}
		return fault(DigestMismatch, metadata,
			"below position %s, the server's digest is %s and the copy's %s", next, found, expected)
	}
	f.caughtUp, f.logSize = progress.CaughtUp, progress.LogSize
	return nil
}

func (f *follower) takeEvents(batch *tiduv1.RawEventBatch) ([]*tiduv1.RecordedEvent, error) {
	events := make([]*tiduv1.RecordedEvent, len(batch.Leaves))
	for i, leaf := range batch.Leaves {
		events[i] = &tiduv1.RecordedEvent{}
		if err := proto.Unmarshal(leaf, events[i]); err != nil {
			return nil, fault(Protocol, nil, "after position %d: %v", f.next, err)
		}
		// RFC 6962: the hash of a leaf begins with a zero byte.
		hash := sha256.Sum256(append([]byte{0}, leaf...))
		if err := f.advance(events[i].Position, hash[:]); err != nil {
			return nil, err
		}
	}
	return events, f.pass(batch.NextPosition)
}

// advance passes one event: it checks its position and continues the digest.
func (f *follower) advance(position *uint64, leafHash []byte) error {
	if !f.named || position == nil {
		return fault(Protocol, nil, "an event came before its log or without its position")
	}
	if err := f.expect(*position, "position"); err != nil {
		return err
	}
	f.next = *position + 1
	if f.Digest != nil {
		digest := sha256.Sum256(append(bytes.Clone(f.Digest), leafHash...))
		f.Digest = digest[:]
	}
	return nil
}

// pass goes to the next position of a message, over events that do not match.
func (f *follower) pass(next uint64) error {
	if err := f.expect(next, "next_position"); err != nil {
		return err
	}
	f.next = next
	return nil
}

// expect checks a position. With a filter there are gaps; positions never decrease.
func (f *follower) expect(found uint64, name string) error {
	if found == f.next || (found > f.next && f.Gaps) {
		return nil
	}
	metadata := map[string]string{
		"position": strconv.FormatUint(found, 10), "expected": strconv.FormatUint(f.next, 10),
	}
	return fault(PositionUnexpected, metadata, "%s %d came, %d was expected", name, found, f.next)
}

func (f *follower) scopeChanged(failure *Error) *Batch {
	batch := &Batch{}
	f.fill(batch)
	if from, err := strconv.ParseUint(failure.Metadata["from_position"], 10, 64); err == nil {
		batch.ScopeChangedFrom = &from
	}
	return batch
}

func fault(reason string, metadata map[string]string, format string, values ...any) *Error {
	message := fmt.Sprintf(format, values...)
	return &Error{Reason: reason, Metadata: metadata, Code: codes.DataLoss, Message: message}
}
