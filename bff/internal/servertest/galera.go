package servertest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// galeraLibrary is what makes a MariaDB a node; Debian's mariadb-server depends
// on the package galera-4, which has it.
const galeraLibrary = "/usr/lib/galera/libgalera_smm.so"

// StartGalera starts a cluster of that many primaries with their files below
// dir: each takes writes, and they agree when a transaction commits. ctx bounds
// the start only. Without the programs the error is a *MissingError.
func StartGalera(ctx context.Context, dir string, nodes int) (_ []*MariaDBServer, err error) {
	if _, err := os.Stat(galeraLibrary); err != nil {
		return nil, &MissingError{Program: galeraLibrary, Install: "on Debian: apt-get install --no-install-recommends galera-4"}
	}
	var servers []*MariaDBServer
	defer func() {
		if err != nil {
			err = errors.Join(err, stopGalera(servers))
		}
	}()
	if err := os.Chmod(dir, 0o711); err != nil { // the user mysql passes through
		return nil, err
	}
	var peers []string
	ports := make([][3]int, nodes)
	for i := range ports {
		for j := range ports[i] {
			if ports[i][j], err = freePort(); err != nil {
				return nil, err
			}
		}
		peers = append(peers, fmt.Sprintf("127.0.0.1:%d", ports[i][0]))
	}
	for i, p := range ports {
		home := filepath.Join(dir, fmt.Sprint(i))
		if err := os.MkdirAll(home, 0o755); err != nil {
			return nil, err
		}
		others := append(append([]string{}, peers[:i]...), peers[i+1:]...)
		flags := []string{
			"--wsrep-on=ON", "--wsrep-provider=" + galeraLibrary, "--wsrep-cluster-name=gatehouse",
			"--wsrep-node-address=127.0.0.1", fmt.Sprintf("--wsrep-node-name=node%d", i),
			"--wsrep-cluster-address=gcomm://" + strings.Join(others, ","),
			fmt.Sprintf("--wsrep-provider-options=gmcast.listen_addr=tcp://%s;ist.recv_addr=127.0.0.1:%d;gcache.size=32M;pc.recovery=FALSE", peers[i], p[1]),
			fmt.Sprintf("--wsrep-sst-receive-address=127.0.0.1:%d", p[2]),
			"--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--default-storage-engine=InnoDB",
		}
		if i == 0 {
			flags = append(flags, "--wsrep-new-cluster")
		}
		if i > 0 {
			// The first one's files, as it left them: a node that has the same
			// state is sent what it lacks, and no copy of everything.
			if out, err := exec.CommandContext(ctx, "cp", "-a", filepath.Join(servers[0].dir, "data"), home).CombinedOutput(); err != nil {
				return servers, fmt.Errorf("copy a node's files: %w: %s", err, out)
			}
		}
		s, err := newMariaDB(ctx, home, flags...)
		if err != nil {
			return servers, err
		}
		servers = append(servers, s)
		if i > 0 {
			continue
		}
		if err := errors.Join(s.startSomewhere(ctx), s.prepare(ctx), s.Stop()); err != nil {
			return servers, err
		}
	}
	var run errgroup.Group
	for i, s := range servers {
		if i == 0 {
			if err := s.startSomewhere(ctx); err != nil {
				return servers, err
			}
			continue
		}
		run.Go(func() error { return s.startSomewhere(ctx) })
	}
	if err := run.Wait(); err != nil {
		return servers, err
	}
	for _, s := range servers {
		if err := s.joined(ctx, nodes); err != nil {
			return servers, err
		}
	}
	return servers, nil
}

// joined waits until this node and all the others are one cluster.
func (s *MariaDBServer) joined(ctx context.Context, nodes int) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	for {
		var size, state string
		err := s.rootRow(ctx, &size, "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'wsrep_cluster_size'")
		if err == nil {
			err = s.rootRow(ctx, &state, "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'wsrep_local_state_comment'")
		}
		if err == nil && size == fmt.Sprint(nodes) && state == "Synced" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("galera: %w; a node of %s sees %q nodes and is %q (%w); it said:\n%s", ctx.Err(), s.dir, size, state, err, s.lastWords())
		case <-time.After(pollEvery):
		}
	}
}

func (s *MariaDBServer) rootRow(ctx context.Context, to *string, query string) error {
	return s.withRoot(func(db *sql.DB) error { return db.QueryRowContext(ctx, query).Scan(to) })
}

func stopGalera(servers []*MariaDBServer) error {
	var errs []error
	for i := len(servers) - 1; i >= 0; i-- {
		errs = append(errs, servers[i].Stop())
	}
	return errors.Join(errs...)
}

// GaleraHandle is a cluster in the hands of a test.
type GaleraHandle struct {
	Nodes []*MariaDBHandle
}

// Galera starts a cluster of primaries for this test alone.
func Galera(tb testing.TB, nodes int) *GaleraHandle {
	tb.Helper()
	servers, err := StartGalera(tb.Context(), tempDir(tb), nodes)
	if err != nil {
		unavailable(tb, err)
	}
	h := &GaleraHandle{}
	for _, s := range servers {
		h.Nodes = append(h.Nodes, &MariaDBHandle{Handle{tb, s.process}, s})
	}
	tb.Cleanup(func() { (&Handle{tb: tb}).must(stopGalera(servers)) })
	return h
}

// Database makes an empty database and returns its DSN on each node.
func (h *GaleraHandle) Database() (dsns []string) {
	first := h.Nodes[0]
	first.tb.Helper()
	name := first.databaseName()
	for _, n := range h.Nodes {
		dsns = append(dsns, n.server.DSN(name))
	}
	return dsns
}
