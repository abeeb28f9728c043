package sqlstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

// After a failover the server that was the writer is read-only, and answers
// COM_PING as before.
func TestPingFailsWhileTheServerIsReadOnly(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	db := migrated(t, Config{MySQLDSN: server.Database()})
	for range 2 {
		if err := db.Ping(t.Context()); err != nil {
			t.Fatalf("ready: %v", err)
		}
		server.SetReadOnly(true)
		if err := db.Ping(t.Context()); !errors.Is(err, auth.ErrDatabase) || !sqlconn.Away(err) {
			t.Errorf("read-only: %v, away %t", err, sqlconn.Away(err))
		}
		server.SetReadOnly(false)
	}
}

// A node of Galera that has lost the others connects, answers COM_PING, and
// refuses every question.
func TestPingFailsWhileTheNodeIsNotPrepared(t *testing.T) {
	node := answering(t, 1047, "08S01", "WSREP has not yet prepared node for application use")
	db := openDB(t, Config{MySQLDSN: "u:p@tcp(" + node + ")/gatehouse"})
	if err := db.Reach(t.Context()); err != nil {
		t.Fatalf("it cannot be reached: %v", err)
	}
	if err := db.Ping(t.Context()); !errors.Is(err, auth.ErrDatabase) || !sqlconn.Away(err) || !strings.Contains(err.Error(), "1047") {
		t.Errorf("%v, away %t", err, sqlconn.Away(err))
	}
	if err := db.Migrate(t.Context()); !sqlconn.Away(err) {
		t.Errorf("migrate: %v, which is not away", err)
	}
}

func TestPingOnEveryEngine(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c Config) {
		db := openDB(t, c)
		if err := errors.Join(db.Reach(t.Context()), db.Ping(t.Context())); err == nil || db.Reach(t.Context()) != nil {
			t.Errorf("without tables: %v, reach %v", err, db.Reach(t.Context()))
		}
		if err := errors.Join(db.Migrate(t.Context()), db.Ping(t.Context())); err != nil {
			t.Fatal(err)
		}
		held := errors.New("the tables are those of another version")
		db.Hold(held)
		_, err := db.ByEmail(t.Context(), "ada@example.com")
		for what, err := range map[string]error{"ping": db.Ping(t.Context()), "a question": err} {
			if !errors.Is(err, auth.ErrDatabase) || !errors.Is(err, held) || errors.Is(err, auth.ErrNoUser) {
				t.Errorf("%s while held: %v", what, err)
			}
		}
		db.Hold(nil)
		if err := db.Ping(t.Context()); err != nil {
			t.Errorf("after that: %v", err)
		}
	})
}

// A process starts without a database that is away, and not with one that
// refuses what it is configured with.
func TestAwayIsNotRefused(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	dsn := server.Database()
	for what, wrong := range map[string]string{
		"password": strings.Replace(dsn, ":gatehouse@", ":guessed@", 1),
		"database": dsn + "_that_there_is_not",
	} {
		db := openDB(t, Config{MySQLDSN: wrong})
		if err := db.Reach(t.Context()); !errors.Is(err, auth.ErrDatabase) || sqlconn.Away(err) {
			t.Errorf("a wrong %s: %v, away %t", what, err, sqlconn.Away(err))
		}
	}
	db := openDB(t, Config{MySQLDSN: dsn})
	server.Stop()
	if err := db.Reach(t.Context()); !errors.Is(err, auth.ErrDatabase) || !sqlconn.Away(err) {
		t.Errorf("stopped: %v, away %t", err, sqlconn.Away(err))
	}
	if sqlconn.Away(fmt.Errorf("migrate: %w", ErrSchemaNewer)) || sqlconn.Away(nil) {
		t.Error("newer tables, or none of it, are away")
	}
}

// answering is a MySQL server that says OK to everything but queries, of which
// it takes SET alone.
func answering(t *testing.T, code uint16, state, message string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		_ = l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			all.Go(func() {
				defer conn.Close()
				// Protocol 10, a version, a thread, 8 + 12 bytes of salt, the
				// capabilities PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH and
				// CONNECT_WITH_DB.
				greeting := "\x0a11.0\x00\x01\x00\x00\x0012345678\x00\x08\x82\x21\x02\x00\x08\x00\x15" +
					strings.Repeat("\x00", 10) + "123456789012\x00mysql_native_password\x00"
				ok := "\x00\x00\x00\x02\x00\x00\x00"
				refusal := string(binary.LittleEndian.AppendUint16([]byte{0xff}, code)) + "#" + state + message
				send := func(sequence byte, payload string) {
					_, _ = conn.Write(append([]byte{byte(len(payload)), byte(len(payload) >> 8), 0, sequence}, payload...))
				}
				send(0, greeting)
				for {
					var head [4]byte
					if _, err := io.ReadFull(conn, head[:]); err != nil {
						return
					}
					payload := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
					if _, err := io.ReadFull(conn, payload); err != nil {
						return
					}
					const comQuery = 3
					if payload[0] == comQuery && head[3] == 0 && !strings.HasPrefix(string(payload[1:]), "SET ") {
						send(head[3]+1, refusal)
					} else {
						send(head[3]+1, ok)
					}
				}
			})
		}
	})
	return l.Addr().String()
}
