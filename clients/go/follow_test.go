package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"tidu/client/tiduv1"
)

// played is a server that answers each subscription with the next of its plays, and each append with
// the next of its answers. The last play is repeated, so that a slow machine that tries once more
// gets it again.
type played struct {
	tiduv1.UnimplementedLedgerServiceServer
	answers  []error
	appended []string
	plays    chan func(grpc.ServerStreamingServer[tiduv1.SubscribeResponse]) error
	requests chan *tiduv1.SubscribeRequest

	mutex sync.Mutex
	last  func(grpc.ServerStreamingServer[tiduv1.SubscribeResponse]) error
}

func (p *played) Subscribe(
	request *tiduv1.SubscribeRequest, stream grpc.ServerStreamingServer[tiduv1.SubscribeResponse],
) error {
	p.requests <- request
	p.mutex.Lock()
	select {
	case p.last = <-p.plays:
	default:
	}
	play := p.last
	p.mutex.Unlock()
	return play(stream)
}

func (p *played) Append(
	_ context.Context, request *tiduv1.AppendRequest,
) (*tiduv1.AppendResponse, error) {
	p.appended = append(p.appended, request.RequestId)
	answer := p.answers[len(p.appended)-1]
	if answer != nil {
		return nil, answer
	}
	return &tiduv1.AppendResponse{NextPosition: 1}, nil
}

func play(t *testing.T) (*played, *Client) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &played{
		plays:    make(chan func(grpc.ServerStreamingServer[tiduv1.SubscribeResponse]) error, 9),
		requests: make(chan *tiduv1.SubscribeRequest, 1000),
	}
	server := grpc.NewServer()
	tiduv1.RegisterLedgerServiceServer(server, p)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	c, err := Connect(Options{Server: listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return p, c
}

// two are two nodes of one log, and a client of both.
func two(t *testing.T) (first, second *played, c *Client) {
	t.Helper()
	first, one := play(t)
	second, other := play(t)
	c, err := Connect(Options{Server: one.options.Server + ", " + other.options.Server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return first, second, c
}

func TestAFollowerMovesToTheNextNode(t *testing.T) {
	first, second, c := two(t)
	first.end(status.Error(codes.Unavailable, "it dies"), progress(0, nil), events(2, 0, 1))
	second.say(progress(2, nil), events(4, 2, 3))
	stop, retries := uint64(4), 0
	options := FollowOptions{StopPosition: &stop, OnRetry: func(error, time.Duration) { retries++ }}
	fault, batches := reason(t, c, options)
	var positions []uint64
	for _, batch := range batches {
		for _, event := range batch.Events {
			positions = append(positions, *event.Position)
		}
	}
	if fault != "" || !slices.Equal(positions, []uint64{0, 1, 2, 3}) || retries != 1 {
		t.Errorf("%q after %v, with %d retries", fault, positions, retries)
	}
	if from := (<-second.requests).GetFromPosition(); from != 2 {
		t.Errorf("the second node was asked from %d", from)
	}
}

func TestAnAppendGoesToANodeThatTakesIt(t *testing.T) {
	first, second, c := two(t)
	follower := denied(t, codes.FailedPrecondition, "FOLLOWER", map[string]string{"leader": "b"})
	first.answers, second.answers = []error{follower}, []error{status.Error(codes.Unavailable, ""), nil}
	// The third attempt is at the first node again.
	first.answers = append(first.answers, follower)
	if _, err := c.Append(t.Context(), "one", &tiduv1.Event{}); err != nil {
		t.Fatal(err)
	}
	all := append(first.appended, second.appended...)
	if !slices.Equal(all, []string{"one", "one", "one", "one"}) {
		t.Errorf("%v was sent", all)
	}
	// A single node that takes no writes is the end.
	alone, own := play(t)
	alone.answers = []error{follower}
	var failure *Error
	if _, err := own.Append(t.Context(), "one"); !errors.As(err, &failure) ||
		failure.Reason != "FOLLOWER" {
		t.Errorf("%v", err)
	}
}

func (p *played) say(messages ...*tiduv1.SubscribeResponse) {
	p.end(nil, messages...)
}

func (p *played) end(err error, messages ...*tiduv1.SubscribeResponse) {
	p.plays <- func(stream grpc.ServerStreamingServer[tiduv1.SubscribeResponse]) error {
		for _, message := range messages {
			if err := stream.Send(message); err != nil {
				return err
			}
		}
		return err
	}
}

func progress(next uint64, digest []byte) *tiduv1.SubscribeResponse {
	said := &tiduv1.Progress{NextPosition: next, LogId: "one", LogSize: 9, CaughtUp: true, Digest: digest}
	return &tiduv1.SubscribeResponse{Payload: &tiduv1.SubscribeResponse_Progress{Progress: said}}
}

func leaf(position uint64) []byte {
	bytes, err := proto.Marshal(&tiduv1.RecordedEvent{Position: &position})
	if err != nil {
		panic(err)
	}
	return bytes
}

func events(next uint64, positions ...uint64) *tiduv1.SubscribeResponse {
	said := &tiduv1.RawEventBatch{NextPosition: next}
	for _, position := range positions {
		said.Leaves = append(said.Leaves, leaf(position))
	}
	return &tiduv1.SubscribeResponse{Payload: &tiduv1.SubscribeResponse_RawEvents{RawEvents: said}}
}

func withheld(position uint64, hash []byte) *tiduv1.SubscribeResponse {
	said := &tiduv1.Withheld{Position: &position, LeafHash: hash}
	return &tiduv1.SubscribeResponse{Payload: &tiduv1.SubscribeResponse_Withheld{Withheld: said}}
}

// reason follows until the end, which must come, and gives the reason of the error.
func reason(t *testing.T, c *Client, options FollowOptions) (string, []*Batch) {
	t.Helper()
	if options.OnRetry == nil {
		options.OnRetry = func(err error, _ time.Duration) { t.Errorf("a retry after: %v", err) }
	}
	var batches []*Batch
	for batch, err := range c.Follow(t.Context(), options) {
		if err != nil {
			var failure *Error
			if !errors.As(err, &failure) {
				t.Fatalf("not an *Error: %v", err)
			}
			return failure.Reason, batches
		}
		batches = append(batches, batch)
	}
	return "", batches
}

func TestEachWrongMessageEndsTheFollow(t *testing.T) {
	wholeLog, filter := FollowOptions{}, FollowOptions{
		Filter: &tiduv1.EventFilter{Programmes: []string{"little-giant"}},
	}
	counted := FollowOptions{Digest: EmptyDigest()}
	other := FollowOptions{LogID: "another"}
	later := FollowOptions{FromPosition: 5}
	for name, row := range map[string]struct {
		options  FollowOptions
		messages []*tiduv1.SubscribeResponse
		reason   string
	}{
		"an event is missing":    {wholeLog, said(progress(0, nil), events(2, 1)), PositionUnexpected},
		"an event comes twice":   {wholeLog, said(progress(0, nil), events(2, 0, 0)), PositionUnexpected},
		"a position goes back":   {filter, said(progress(4, nil), events(4, 3)), PositionUnexpected},
		"progress goes back":     {later, said(progress(4, nil)), PositionUnexpected},
		"progress skips":         {wholeLog, said(progress(1, nil)), PositionUnexpected},
		"a batch skips":          {wholeLog, said(progress(0, nil), events(3, 0, 1)), PositionUnexpected},
		"a withheld place skips": {wholeLog, said(progress(0, nil), withheld(1, nil)), PositionUnexpected},
		"another log":            {other, said(progress(0, nil)), LogIDMismatch},
		"another digest":         {counted, said(progress(0, make([]byte, 31))), DigestMismatch},
		"no digest":              {counted, said(progress(0, nil)), DigestMismatch},
		"events before progress": {wholeLog, said(events(1, 0)), Protocol},
		"an empty message":       {wholeLog, said(&tiduv1.SubscribeResponse{}), Protocol},
		"a leaf without meaning": {wholeLog, said(progress(0, nil), broken()), Protocol},
	} {
		t.Run(name, func(t *testing.T) {
			p, c := play(t)
			p.say(row.messages...)
			if found, _ := reason(t, c, row.options); found != row.reason {
				t.Errorf("%q, and %q was expected", found, row.reason)
			}
		})
	}
}

func said(messages ...*tiduv1.SubscribeResponse) []*tiduv1.SubscribeResponse { return messages }

func broken() *tiduv1.SubscribeResponse {
	said := &tiduv1.RawEventBatch{Leaves: [][]byte{{0xff}}, NextPosition: 1}
	return &tiduv1.SubscribeResponse{Payload: &tiduv1.SubscribeResponse_RawEvents{RawEvents: said}}
}

// A withheld place counts in the digest with its leaf hash, and passes its position.
func TestDigestGoesOverEventsAndWithheldPlaces(t *testing.T) {
	p, c := play(t)
	hash := sha256.Sum256([]byte("withheld"))
	digest := EmptyDigest()
	first := sha256.Sum256(append([]byte{0}, leaf(0)...))
	for _, one := range [][]byte{first[:], hash[:]} {
		next := sha256.Sum256(append(digest, one...))
		digest = next[:]
	}
	p.say(progress(0, EmptyDigest()), events(1, 0), withheld(1, hash[:]), progress(2, digest))
	stop := uint64(2)
	found, batches := reason(t, c, FollowOptions{Digest: EmptyDigest(), StopPosition: &stop})
	if found != "" || len(batches) != 4 {
		t.Fatalf("%q after %d batches", found, len(batches))
	}
	last := batches[3]
	if last.NextPosition != 2 || string(last.Digest) != string(digest) || last.LogID != "one" {
		t.Errorf("the last batch: %+v", last)
	}
	if batches[2].Withheld.GetPosition() != 1 {
		t.Errorf("the withheld place: %+v", batches[2])
	}
}

// After a fault that may pass, the next stream begins where the last one ended.
func TestRetriesResumeWhereTheStreamEnded(t *testing.T) {
	p, c := play(t)
	p.end(status.Error(codes.Unavailable, "bye"), progress(0, nil), events(2, 0, 1))
	p.end(nil, progress(2, nil), events(3, 2)) // an end without stop_position is a broken stream
	p.end(denied(t, codes.Unauthenticated, "CREDENTIAL_EXPIRED", nil))
	p.end(denied(t, codes.Aborted, "SCOPE_CHANGED", map[string]string{"from_position": "1"}))
	p.end(denied(t, codes.FailedPrecondition, "LOG_ID_MISMATCH", nil))
	retries := 0
	found, batches := reason(t, c, FollowOptions{OnRetry: func(error, time.Duration) { retries++ }})
	if found != LogIDMismatch || retries != 3 {
		t.Errorf("%q after %d retries", found, retries)
	}
	widened := batches[len(batches)-1]
	if widened.ScopeChangedFrom == nil || *widened.ScopeChangedFrom != 1 || widened.NextPosition != 3 {
		t.Errorf("the batch about wider rights: %+v", widened)
	}
	for _, from := range []uint64{0, 2, 3, 3, 3} {
		if request := <-p.requests; request.GetFromPosition() != from || !request.Raw {
			t.Errorf("%v was asked for, and %d was expected", request, from)
		}
	}
}

func denied(t *testing.T, code codes.Code, reason string, metadata map[string]string) error {
	t.Helper()
	info := &errdetails.ErrorInfo{Domain: "tidu", Reason: reason, Metadata: metadata}
	made, err := status.New(code, "no").WithDetails(info)
	if err != nil {
		t.Fatal(err)
	}
	return made.Err()
}

// The caller's own work does not count as silence of the server.
func TestSilenceOfTheServerEndsAnAttempt(t *testing.T) {
	p, c := play(t)
	p.plays <- func(stream grpc.ServerStreamingServer[tiduv1.SubscribeResponse]) error {
		if err := stream.Send(progress(0, nil)); err != nil {
			return err
		}
		<-stream.Context().Done()
		return nil
	}
	p.end(denied(t, codes.OutOfRange, "POSITION_BEYOND_LOG", nil))
	var silence error
	found, _ := reason(t, c, FollowOptions{
		Heartbeat: 20 * time.Millisecond, OnRetry: func(err error, _ time.Duration) { silence = err },
	})
	if silence == nil || silence.Error() != "UNAVAILABLE: no message came for 0.04 s" {
		t.Errorf("the retry says %v", silence)
	}
	if found != "POSITION_BEYOND_LOG" {
		t.Errorf("%q", found)
	}
}

func TestAppendRepeatsUnderTheSameRequestID(t *testing.T) {
	p, c := play(t)
	lost := status.Error(codes.Unavailable, "bye")
	p.answers = []error{lost, status.Error(codes.DeadlineExceeded, "late"), nil}
	answer, err := c.Append(t.Context(), "", &tiduv1.Event{})
	if err != nil || answer.NextPosition != 1 {
		t.Fatalf("%v, %v", answer, err)
	}
	if first := p.appended[0]; len(p.appended) != 3 || first == "" || p.appended[2] != first {
		t.Errorf("the request ids %q", p.appended)
	}
	moved := denied(t, codes.Aborted, "PRECONDITION_MOVED", nil)
	p.answers, p.appended = []error{moved}, nil
	var failure *Error
	_, err = c.Append(t.Context(), "mine", &tiduv1.Event{})
	if !errors.As(err, &failure) || failure.Reason != "PRECONDITION_MOVED" || p.appended[0] != "mine" {
		t.Errorf("%v for %q", err, p.appended)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	p.answers, p.appended = make([]error, 1000), nil
	for i := range p.answers {
		p.answers[i] = lost
	}
	if _, err = c.Append(ctx, "", &tiduv1.Event{}); err == nil {
		t.Error("an append without an answer succeeded")
	}
}

func TestStatusGivesAnErrorOnlyWhereThereIsOne(t *testing.T) {
	_, c := play(t)
	var failure *Error
	if _, err := c.Status(t.Context()); !errors.As(err, &failure) || failure.Code != codes.Unimplemented {
		t.Errorf("a server without the service: %v", err)
	}
	if AsError(nil) != nil {
		t.Error("no error became one")
	}
}

func TestContextAndBreakEndTheFollow(t *testing.T) {
	p, c := play(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wait := func(stream grpc.ServerStreamingServer[tiduv1.SubscribeResponse]) error {
		err := stream.Send(progress(0, nil))
		<-stream.Context().Done()
		return err
	}
	p.plays <- wait
	var last error
	for _, err := range c.Follow(ctx, FollowOptions{}) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the last error: %v", last)
	}
	p.plays <- wait
	for range c.Follow(t.Context(), FollowOptions{}) {
		break
	}
}

func TestWhichErrorsAreRetried(t *testing.T) {
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		ends := map[codes.Code]bool{
			codes.InvalidArgument: true, codes.NotFound: true, codes.AlreadyExists: true,
			codes.PermissionDenied: true, codes.FailedPrecondition: true, codes.OutOfRange: true,
			codes.Unimplemented: true, codes.DataLoss: true, codes.Unauthenticated: true,
		}[code]
		if retryable(&Error{Code: code}) == ends {
			t.Errorf("%v: ends is %v", code, ends)
		}
	}
	tooLarge := &Error{Code: codes.ResourceExhausted, Reason: "LIMIT_EXCEEDED"}
	if retryable(tooLarge) {
		t.Error("a request that is too large is retried")
	}
	tooLarge.RetryAfter = time.Second
	if !retryable(tooLarge) {
		t.Error("a server that asks for a pause is not asked again")
	}
}

func TestPausesGrowToTheirBound(t *testing.T) {
	p := pauses{}
	for _, ceiling := range []int{100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000} {
		now := p.next(0)
		if p.ceiling != time.Duration(ceiling)*time.Millisecond || now < 0 || now >= p.ceiling {
			t.Errorf("%v of at most %v, and %d ms was expected", now, p.ceiling, ceiling)
		}
	}
	if now := p.next(time.Minute); now != time.Minute {
		t.Errorf("the server asked for a minute, and the pause is %v", now)
	}
}

func TestUnsafeOptionsAreRefused(t *testing.T) {
	for _, options := range []Options{
		{Server: "ftp://127.0.0.1:1"},
		{Server: "127.0.0.1"},
		{Server: "https://user@127.0.0.1:1"},
		{Server: "https://127.0.0.1:1/path"},
		{Server: "192.0.2.1:1", TokenFile: "follow_test.go"},
		{Server: "127.0.0.1:1", CAFile: "follow_test.go"},
		{Server: "https://127.0.0.1:1", CertFile: "follow_test.go"},
		{Server: "https://127.0.0.1:1", CAFile: "follow_test.go"},
		{Server: "https://127.0.0.1:1", CAFile: "missing.pem"},
		{TokenFile: "missing.token"},
	} {
		if c, err := Connect(options); err == nil {
			c.Close()
			t.Errorf("%+v is taken", options)
		}
	}
	for _, options := range []Options{
		{}, {Server: "http://[::1]:1"}, {Server: "https://example.org:1"},
		{Server: "localhost:1", TokenFile: "follow_test.go"},
	} {
		c, err := Connect(options)
		if err != nil {
			t.Errorf("%+v: %v", options, err)
			continue
		}
		c.Close()
	}
}
