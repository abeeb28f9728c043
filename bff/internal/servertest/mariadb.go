package servertest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/go-sql-driver/mysql"
)

// MariaDBServer is a MariaDB of one's own. What it holds survives Stop and Kill.
type MariaDBServer struct {
	*process
	socket    string
	databases atomic.Int64
}

const (
	mariadbPackage = "mariadb-server"
	account        = "gatehouse" // and its password, on a loopback port, for databases gatehouse…
)

// StartMariaDB starts a server with its files in dir, which must exist; the
// files of an earlier server there are used again. As root the server runs as
// the user mysql, who must be able to reach dir and becomes its owner. It runs
// until Stop; ctx bounds the start only. Without the programs the error is a
// *MissingError.
func StartMariaDB(ctx context.Context, dir string) (*MariaDBServer, error) {
	return startMariaDB(ctx, dir)
}

func startMariaDB(ctx context.Context, dir string, flags ...string) (*MariaDBServer, error) {
	s, err := newMariaDB(ctx, dir, flags...)
	if err != nil {
		return nil, err
	}
	if err := s.startSomewhere(ctx); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// newMariaDB installs a server in dir, without starting it. flags are added to
// its command line.
func newMariaDB(ctx context.Context, dir string, flags ...string) (*MariaDBServer, error) {
	server, err := find(mariadbPackage, "mariadbd")
	if err != nil {
		return nil, err
	}
	installer, err := find(mariadbPackage, "mariadb-install-db")
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	socket, err := socketIn(dir)
	if err != nil {
		return nil, err
	}
	s := &MariaDBServer{socket: socket}
	data := filepath.Join(dir, "data")
	// Not by --user=mysql: a process that changes its own user is forgotten by
	// Linux as one to end with its parent.
	attributes := childAttributes()
	if os.Geteuid() == 0 {
		if attributes.Credential, err = giveToMySQL(dir); err != nil {
			return nil, err
		}
	}
	// Temporary files beside the others: a starting server deletes whatever
	// looks like its own from the folder for them, which in /tmp used to be
	// those of another one being set up.
	env := append(os.Environ(), "TMPDIR="+dir)
	if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) {
		// Half an installation, from a run that was interrupted, is none.
		unfinished := data + ".unfinished"
		if err := os.RemoveAll(unfinished); err != nil {
			return nil, err
		}
		install := exec.CommandContext(ctx, installer, "--no-defaults", "--datadir="+unfinished,
			"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
		install.Dir, install.Env, install.SysProcAttr = dir, env, &syscall.SysProcAttr{Credential: attributes.Credential}
		if out, err := install.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("mariadb-install-db: %w; it said:\n%s", err, out)
		}
		if err := os.Rename(unfinished, data); err != nil {
			return nil, err
		}
	}
	s.process = &process{
		name: "mariadbd",
		dir:  dir,
		command: func(port int) *exec.Cmd {
			cmd := exec.Command(server, "--no-defaults", "--datadir="+data,
				"--port="+strconv.Itoa(port), "--bind-address=127.0.0.1",
				"--socket="+socket, "--pid-file="+filepath.Join(dir, "pid"), "--skip-name-resolve",
				// Small, quick, and durable enough for a kill -9.
				"--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M",
				"--innodb-flush-log-at-trx-commit=2", "--performance-schema=OFF",
				// The least helpful defaults there are in the field, so that
				// nothing relies on better ones.
				"--character-set-server=latin1", "--sql-mode=")
			cmd.Args = append(cmd.Args, flags...)
			cmd.Dir, cmd.Env, cmd.SysProcAttr = dir, env, attributes
			return cmd
		},
		ready: s.ready,
	}
	return s, nil
}

// giveToMySQL makes dir the property of the user mysql and returns what a
// process needs to run as that user: MariaDB refuses to run as root.
func giveToMySQL(dir string) (*syscall.Credential, error) {
	u, err := user.Lookup("mysql")
	if err != nil {
		return nil, fmt.Errorf("MariaDB does not run as root, and user mysql is missing: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 31)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 31)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		return nil, err
	}
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return nil, err
		}
		if info.Mode()&0o001 == 0 {
			return nil, fmt.Errorf("the user mysql cannot reach %s: %s is closed to it (choose another folder, or set TMPDIR)", dir, parent)
		}
		if parent == filepath.Dir(parent) {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
}

// ready asks on the socket, as root, which needs no password there.
func (s *MariaDBServer) ready(ctx context.Context) error {
	return s.asRoot(ctx, "DO 1")
}

// prepare makes the account and closes root's doors from the network: it has no
// password, and the port is open to every user of this machine.
func (s *MariaDBServer) prepare(ctx context.Context) error {
	return s.asRoot(ctx,
		"DELETE FROM mysql.global_priv WHERE User IN ('root', '') AND Host <> 'localhost'",
		"FLUSH PRIVILEGES",
		"CREATE OR REPLACE USER "+account+"@'127.0.0.1' IDENTIFIED BY '"+account+"'",
		"GRANT ALL ON `"+account+"%`.* TO "+account+"@'127.0.0.1'",
		"GRANT PROCESS ON *.* TO "+account+"@'127.0.0.1'", // to see in tests who waits for whom
	)
}

// CreateDatabase makes an empty database with a name of its own and returns its
// DSN, which stays the same after every Start.
func (s *MariaDBServer) CreateDatabase(ctx context.Context) (dsn string, err error) {
	// With the process id, because files may be those of an earlier server.
	name := fmt.Sprintf("%s_%d_%d", account, os.Getpid(), s.databases.Add(1))
	if err := s.asRoot(ctx, "CREATE OR REPLACE DATABASE "+name); err != nil {
		return "", err
	}
	return s.DSN(name), nil
}

// DropDatabase removes the database that dsn names.
func (s *MariaDBServer) DropDatabase(ctx context.Context, dsn string) error {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return err
	}
	return s.asRoot(ctx, "DROP DATABASE IF EXISTS `"+cfg.DBName+"`")
}

// DSN is the go-sql-driver DSN of a database on this server; its name must begin
// with "gatehouse".
func (s *MariaDBServer) DSN(database string) string {
	return fmt.Sprintf("%s:%s@tcp(%s)/%s", account, account, s.Addr(), database)
}

func (s *MariaDBServer) asRoot(ctx context.Context, statements ...string) error {
	return s.withRoot(func(db *sql.DB) error {
		for _, statement := range statements {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
}

func (s *MariaDBServer) withRoot(do func(*sql.DB) error) error {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr = "root", "unix", s.socket
	cfg.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	return do(db)
}
