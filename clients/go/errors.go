package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Reasons that this client finds by itself. All others are those of
// proto/tidu/v1/error_reason.proto, without their prefix.
const (
	// PositionUnexpected: an event came twice, or one is missing.
	PositionUnexpected = "POSITION_UNEXPECTED"
	// LogIDMismatch: the server has another log than the caller's copy. The server says so, too.
	LogIDMismatch = "LOG_ID_MISMATCH"
	// DigestMismatch: the copy is not the server's log.
	DigestMismatch = "DIGEST_MISMATCH"
	// Protocol: a message came that the protocol does not allow.
	Protocol = "PROTOCOL"
)

const abortedCode = codes.Aborted

// Error is an answer of the server, or a fault that the client found in one. errors.As finds it.
type Error struct {
	// Reason is for branching: LOG_ID_MISMATCH. Empty where none was given.
	Reason string
	// Metadata of the reason, as error_reason.proto documents it.
	Metadata map[string]string
	// Code of gRPC.
	Code codes.Code
	// Message is for people, in English.
	Message string
	// RetryAfter is the pause that the server asks for; 0: none.
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	if e.Reason != "" {
		return e.Reason + ": " + e.Message
	}
	return code.Code(e.Code).String() + ": " + e.Message
}

// GRPCStatus lets status.Code and its kin read the error.
func (e *Error) GRPCStatus() *status.Status { return status.New(e.Code, e.Message) }

// AsError gives what a generated service answered as an Error; nil for nil.
func AsError(err error) error {
	if err == nil {
		return nil
	}
	return asError(err)
}

func asError(err error) *Error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	answer := status.Convert(err)
	failure := &Error{Code: answer.Code(), Message: answer.Message()}
	for _, detail := range answer.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.Domain == "tidu" {
				failure.Reason, failure.Metadata = detail.Reason, detail.Metadata
			}
		case *errdetails.RetryInfo:
			failure.RetryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	return failure
}

// retryable tells whether a repetition can help. A broken connection has several codes.
func retryable(failure *Error) bool {
	switch failure.Code {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied,
		codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented, codes.DataLoss:
		return false
	case codes.Unauthenticated:
		// The file may have a new credential by now.
		return failure.Reason == "CREDENTIAL_EXPIRED"
	case codes.ResourceExhausted:
		return failure.Reason != "LIMIT_EXCEEDED" || failure.RetryAfter > 0
	}
	return true
}

// forAnotherNode tells whether a node takes no writes itself: its leader, or its successor, does.
func forAnotherNode(failure *Error) bool {
	switch failure.Reason {
	case "FOLLOWER", "LOOPED", "RETIRED", "STALE_EPOCH":
		return failure.Code == codes.FailedPrecondition
	}
	return false
}

const pauseMin, pauseMax = 100 * time.Millisecond, 10 * time.Second

// pauses are random up to a ceiling that doubles, so that all clients of a server do not come back
// at once.
type pauses struct{ ceiling time.Duration }

func (p *pauses) next(least time.Duration) time.Duration {
	p.ceiling = min(max(2*p.ceiling, pauseMin), pauseMax)
	return max(time.Duration(rand.Int64N(int64(p.ceiling))), least)
}

// sleep is false if the context ends first.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
