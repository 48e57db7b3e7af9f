// Package client speaks to a Tidu server: it connects, appends, and follows the log.
//
// Tiduv1 beside it has the generated messages and services; `go generate` makes it from proto/.
package client

//go:generate go run -C generate -v .

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"tidu/client/tiduv1"
)

// DefaultServer is where `tidu serve` listens.
const DefaultServer = "127.0.0.1:50051"

// An append goes on for appendTimeout; one attempt of it takes attemptTimeout at most.
const (
	statusTimeout  = 10 * time.Second
	appendTimeout  = 60 * time.Second
	attemptTimeout = 30 * time.Second
)

// Options of Connect. All files are read again for each connection, the token for each call, so a
// renewed one needs no restart.
type Options struct {
	// Server is `HOST:PORT` or `http://HOST:PORT` for plaintext, `https://HOST:PORT` for TLS.
	// Several nodes of one log stand with commas between them: Follow, Append and Status move to
	// the next one when one does not answer. Empty: DefaultServer.
	Server string
	// CAFile has the CAs to trust, in PEM. Empty: those of the system.
	CAFile string
	// CertFile and KeyFile are the client's certificate and its key, in PEM. Empty: none.
	CertFile, KeyFile string
	// TokenFile has a token or a JSON Web Token. Empty: none.
	TokenFile string
}

// Client is a connection to a server. Its fields are the generated services, of the first node if
// there are several. It may be used by many goroutines.
type Client struct {
	Ledger   tiduv1.LedgerServiceClient
	Register tiduv1.RegisterServiceClient
	Cursor   tiduv1.CursorServiceClient
	Proof    tiduv1.ProofServiceClient
	Admin    tiduv1.AdminServiceClient
	Access   tiduv1.AccessServiceClient

	options Options
	nodes   []node
	// turn counts on; the node that is talked to is the rest by their number.
	turn atomic.Uint64
	conn *grpc.ClientConn
}

// node is one of the servers that have the log.
type node struct {
	address string
	secure  bool
}

// Connect checks the options and the files. The connection itself is made by the first call.
func Connect(options Options) (*Client, error) {
	c := &Client{options: options}
	if err := c.readServers(); err != nil {
		return nil, err
	}
	conn, err := c.dial(c.nodes[0])
	if err != nil {
		return nil, err
	}
	c.conn = conn
	c.Ledger = tiduv1.NewLedgerServiceClient(conn)
	c.Register = tiduv1.NewRegisterServiceClient(conn)
	c.Cursor = tiduv1.NewCursorServiceClient(conn)
	c.Proof = tiduv1.NewProofServiceClient(conn)
	c.Admin = tiduv1.NewAdminServiceClient(conn)
	c.Access = tiduv1.NewAccessServiceClient(conn)
	return c, nil
}

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Status tells the log's id and size, and how the server does.
func (c *Client) Status(ctx context.Context) (*tiduv1.GetStatusResponse, error) {
	for left := len(c.nodes); ; left-- {
		turn := c.turn.Load()
		var status *tiduv1.GetStatusResponse
		attempt, cancel := context.WithTimeout(ctx, statusTimeout)
		err := c.at(turn, func(conn *grpc.ClientConn) (err error) {
			status, err = tiduv1.NewAdminServiceClient(conn).GetStatus(attempt, &tiduv1.GetStatusRequest{})
			return err
		})
		cancel()
		if err == nil || left <= 1 || !retryable(asError(err)) {
			return status, AsError(err)
		}
		c.leave(turn)
	}
}

// Append records events. It repeats the call until there is an answer, until an error comes that a
// repetition cannot help, or until the context ends; without a deadline, after 60 s. The server
// records a requestID once, however often it comes. Empty: a random one. Choose your own, and store
// it before the call, where the program may be killed in between.
func (c *Client) Append(
	ctx context.Context, requestID string, events ...*tiduv1.Event,
) (*tiduv1.AppendResponse, error) {
	if requestID == "" {
		requestID = rand.Text()
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, appendTimeout)
		defer cancel()
	}
	request := &tiduv1.AppendRequest{RequestId: requestID, Events: events}
	for pause := (pauses{}); ; {
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		turn := c.turn.Load()
		var response *tiduv1.AppendResponse
		err := c.at(turn, func(conn *grpc.ClientConn) (err error) {
			response, err = tiduv1.NewLedgerServiceClient(conn).Append(attempt, request)
			return err
		})
		cancel()
		if err == nil {
			return response, nil
		}
		failure := asError(err)
		elsewhere := len(c.nodes) > 1 && forAnotherNode(failure)
		if !elsewhere && (!retryable(failure) || failure.Code == abortedCode) {
			return nil, failure
		}
		c.leave(turn)
		if !sleep(ctx, pause.next(failure.RetryAfter)) {
			return nil, failure
		}
	}
}

// at does something on a connection to the node of a turn: the own one to the first, a new one to
// another.
func (c *Client) at(turn uint64, do func(*grpc.ClientConn) error) error {
	place := turn % uint64(len(c.nodes))
	if place == 0 {
		return do(c.conn)
	}
	conn, err := c.dial(c.nodes[place])
	if err != nil {
		return &Error{Code: codes.Unavailable, Message: err.Error()}
	}
	defer conn.Close()
	return do(conn)
}

// leave ends a turn, if it is still that one: several who find the same leave one node.
func (c *Client) leave(turn uint64) { c.turn.CompareAndSwap(turn, turn+1) }

// readServers splits the list of servers.
func (c *Client) readServers() error {
	all := c.options.Server
	if all == "" {
		all = DefaultServer
	}
	for server := range strings.SplitSeq(all, ",") {
		if err := c.readServer(strings.TrimSpace(server)); err != nil {
			return err
		}
	}
	return nil
}

// readServer splits the server's URL, and refuses what would be unsafe or without effect.
func (c *Client) readServer(server string) error {
	o := c.options
	address, secure := strings.CutPrefix(server, "https://")
	address = strings.TrimSuffix(strings.TrimPrefix(address, "http://"), "/")
	host, _, err := net.SplitHostPort(address)
	if err != nil || strings.ContainsAny(address, "/@") {
		return fmt.Errorf("server %q: give HOST:PORT or https://HOST:PORT", server)
	}
	local := host == "localhost" || host == "127.0.0.1" || host == "::1"
	switch {
	case !secure && (o.CAFile != "" || o.CertFile != "" || o.KeyFile != ""):
		return fmt.Errorf("server %q: plaintext uses no certificates; give https://HOST:PORT", server)
	case !secure && o.TokenFile != "" && !local:
		return fmt.Errorf("server %q: everybody on the way could read the token; "+
			"give https://HOST:PORT", server)
	case (o.CertFile == "") != (o.KeyFile == ""):
		return errors.New("a certificate and its key belong together: give CertFile and KeyFile")
	}
	c.nodes = append(c.nodes, node{address, secure})
	return nil
}

// dial makes a connection of its own.
func (c *Client) dial(to node) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if to.secure {
		config, err := c.tlsConfig()
		if err != nil {
			return nil, err
		}
		transport = &freshTLS{credentials.NewTLS(config), c.tlsConfig}
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 30 * time.Second, Timeout: 10 * time.Second,
		}),
		// By default, gRPC's own pause between connections grows to two minutes.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: pauseMin, Multiplier: 2, Jitter: 0.5, MaxDelay: pauseMax,
			},
			MinConnectTimeout: 10 * time.Second,
		}),
	}
	if c.options.TokenFile != "" {
		token := bearer{c.options.TokenFile, to.secure}
		if _, err := token.GetRequestMetadata(context.Background()); err != nil {
			return nil, err
		}
		options = append(options, grpc.WithPerRPCCredentials(token))
	}
	return grpc.NewClient(to.address, options...)
}

func (c *Client) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if path := c.options.CAFile; path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: holds no certificate in PEM", path)
		}
	}
	if c.options.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.options.CertFile, c.options.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", c.options.CertFile, c.options.KeyFile, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// freshTLS reads the files for each handshake.
type freshTLS struct {
	credentials.TransportCredentials
	load func() (*tls.Config, error)
}

func (f *freshTLS) ClientHandshake(
	ctx context.Context, authority string, conn net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	config, err := f.load()
	if err != nil {
		return nil, nil, err
	}
	return credentials.NewTLS(config).ClientHandshake(ctx, authority, conn)
}

func (f *freshTLS) Clone() credentials.TransportCredentials {
	return &freshTLS{f.TransportCredentials.Clone(), f.load}
}

// bearer reads the token for each call.
type bearer struct {
	path   string
	secure bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := os.ReadFile(b.path)
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": "Bearer " + strings.TrimSpace(string(token))}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.secure }
