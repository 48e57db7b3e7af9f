// Command copy keeps a copy of the log, or of a part of it, in SQLite or PostgreSQL. It may be
// killed at any moment: each event is stored exactly once. Take it as the beginning of your own
// program.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"google.golang.org/protobuf/encoding/protojson"
	_ "modernc.org/sqlite" // the driver "sqlite", without C

	"tidu/client"
	"tidu/client/tiduv1"
)

// errArguments ends the program with status 2.
var errArguments = errors.New("wrong arguments")

type arguments struct {
	connect          client.Options
	follow           client.FollowOptions
	sqlite, postgres string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx)
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, errArguments):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	chosen, err := parse()
	if err != nil {
		return err
	}
	tidu, err := client.Connect(chosen.connect)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return errArguments
	}
	defer tidu.Close()
	store, err := open(ctx, chosen)
	if err != nil {
		return err
	}
	defer store.db.Close()
	chosen.follow.FromPosition = store.next
	chosen.follow.Digest = store.digest
	if store.logID != "" {
		chosen.follow.LogID = store.logID
	}
	chosen.follow.OnRetry = func(err error, pause time.Duration) {
		fmt.Fprintf(os.Stderr, "%v; connecting again in %.1f s\n", err, pause.Seconds())
	}
	for batch, err := range tidu.Follow(ctx, chosen.follow) {
		if err != nil {
			return err
		}
		if err := store.save(ctx, batch); err != nil {
			return err
		}
		if from := batch.ScopeChangedFrom; from != nil {
			fmt.Fprintf(os.Stderr, "SCOPE_CHANGED: more is to be read from position %d\n", *from)
		}
		if len(batch.Events) > 0 {
			fmt.Printf("%d events, next position %d\n", len(batch.Events), batch.NextPosition)
		}
	}
	return nil
}

func parse() (*arguments, error) {
	a := &arguments{}
	filter := &tiduv1.EventFilter{}
	flags := flag.NewFlagSet("copy", flag.ContinueOnError)
	text := func(into *string, name, usage string) { flags.StringVar(into, name, "", usage) }
	list := func(into *[]string, name, usage string) {
		flags.Func(name, usage, func(value string) error {
			*into = append(*into, value)
			return nil
		})
	}
	text(&a.sqlite, "sqlite", "SQLite `file` to keep the copy in")
	text(&a.postgres, "postgres", "`URL` of a PostgreSQL database to keep the copy in")
	flags.StringVar(&a.connect.Server, "server", os.Getenv("TIDU_SERVER"),
		"`HOST:PORT` or https://HOST:PORT; without TIDU_SERVER it is "+client.DefaultServer)
	list(&filter.Programmes, "programme", "only this programme (may be repeated)")
	list(&filter.Authorities, "authority", "only this authority (may be repeated)")
	text(&a.connect.CAFile, "ca-file", "`file` of the CAs to trust")
	text(&a.connect.CertFile, "cert-file", "`file` of the client's certificate")
	text(&a.connect.KeyFile, "key-file", "`file` of its key")
	text(&a.connect.TokenFile, "token-file", "`file` of a token")
	text(&a.follow.LogID, "log-id", "accept only this log")
	heartbeat := flags.Float64("heartbeat", 10, "`seconds` of silence to ask of the server")
	flags.Func("stop", "`position` to end at", func(value string) error {
		var position uint64
		_, err := fmt.Sscan(value, &position)
		a.follow.StopPosition = &position
		return err
	})
	err := flags.Parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		return nil, errArguments
	case (a.sqlite == "") == (a.postgres == "") || flags.NArg() > 0:
		fmt.Fprintln(os.Stderr, "give --sqlite FILE or --postgres URL, and options")
		return nil, errArguments
	}
	a.follow.Filter = filter
	a.follow.Heartbeat = time.Duration(*heartbeat * float64(time.Second))
	return a, nil
}

// store is the database and the place that it has reached.
type store struct {
	db                        *sql.DB
	insertEvent, replacePlace string
	logID, filter             string
	next                      uint64
	digest                    []byte
}

func open(ctx context.Context, a *arguments) (*store, error) {
	// Both understand this; only the types and the names of parameters differ.
	driver, source, number, binary, mark := "pgx", a.postgres, "BIGINT", "BYTEA", "$"
	if a.sqlite != "" {
		driver, number, binary, mark = "sqlite", "INTEGER", "BLOB", "?"
		source = "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(a.sqlite) +
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	filter, err := filterText(a.follow.Filter)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &store{db: db, filter: filter}
	parameters := strings.NewReplacer("$", mark)
	// Without ON CONFLICT, an event that comes twice is an error and is not dropped silently.
	s.insertEvent = parameters.Replace(
		"INSERT INTO events (position, designee, kind, leaf) VALUES ($1, $2, $3, $4)")
	s.replacePlace = parameters.Replace(
		"INSERT INTO place (id, log_id, filter, next_position, digest) VALUES (1, $1, $2, $3, $4) " +
			"ON CONFLICT (id) DO UPDATE SET log_id = excluded.log_id, " +
			"next_position = excluded.next_position, digest = excluded.digest")
	for _, table := range []string{
		"events (position " + number + " PRIMARY KEY, designee TEXT NOT NULL, " +
			"kind TEXT NOT NULL, leaf " + binary + " NOT NULL)",
		"place (id INTEGER PRIMARY KEY CHECK (id = 1), log_id TEXT NOT NULL, " +
			"filter TEXT NOT NULL, next_position " + number + " NOT NULL, digest " + binary + " NOT NULL)",
	} {
		if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+table); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// filterText is the same for the same filter; protojson alone puts spaces by chance.
func filterText(filter *tiduv1.EventFilter) (string, error) {
	text, err := protojson.Marshal(filter)
	if err != nil {
		return "", err
	}
	var compact bytes.Buffer
	err = json.Compact(&compact, text)
	return compact.String(), err
}

func (s *store) load(ctx context.Context) error {
	var filter string
	row := s.db.QueryRowContext(ctx, "SELECT log_id, filter, next_position, digest FROM place")
	err := row.Scan(&s.logID, &filter, &s.next, &s.digest)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		s.digest = client.EmptyDigest()
		return nil
	case err != nil:
		return err
	case filter != s.filter:
		// next_position is valid for one filter: a wider one would miss the events passed over.
		return fmt.Errorf("the database holds %s, not %s; take another database for this filter",
			filter, s.filter)
	}
	return nil
}

// save stores events and place in one transaction: both or neither.
func (s *store) save(ctx context.Context, batch *client.Batch) error {
	if len(batch.Events) == 0 && batch.NextPosition == s.next && batch.LogID == s.logID {
		return nil
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	for i, event := range batch.Events {
		_, err := tx.ExecContext(ctx, s.insertEvent,
			event.GetPosition(), event.GetEvent().GetDesignee(), kind(event), batch.Leaves[i])
		if err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, s.replacePlace,
		batch.LogID, s.filter, batch.NextPosition, batch.Digest)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.logID, s.next, s.digest = batch.LogID, batch.NextPosition, batch.Digest
	return nil
}

// kind names the fact: designated. It is empty for a fact that is newer than this program.
func kind(event *tiduv1.RecordedEvent) string {
	fact := event.GetEvent().ProtoReflect()
	field := fact.WhichOneof(fact.Descriptor().Oneofs().ByName("fact"))
	if field == nil {
		return ""
	}
	return field.JSONName()
}
