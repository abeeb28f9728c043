package servertest

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("SERVERTEST_DIE_IN"); dir != "" {
		dieLeavingServers(dir)
	}
	code := Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func TestMariaDBGivesEachCallADatabaseOfItsOwn(t *testing.T) {
	one, two := open(t, MariaDB(t)), open(t, MariaDB(t))
	if _, err := one.Exec("CREATE TABLE mine (a INT)"); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Exec("SELECT * FROM mine"); err == nil {
		t.Error("one test sees the tables of another")
	}
	// The account is for these databases and nothing else.
	if _, err := one.Exec("SELECT * FROM mysql.global_priv"); err == nil {
		t.Error("the account reads the server's own tables")
	}
	root := open(t, strings.Replace(MariaDB(t), "gatehouse:gatehouse@", "root@", 1))
	if err := root.Ping(); err == nil {
		t.Error("root signs in over the network without a password")
	}
}

func TestMariaDBDropsTheDatabaseWithTheTest(t *testing.T) {
	var dsn string
	t.Run("uses one", func(t *testing.T) { dsn = MariaDB(t) })
	if err := open(t, dsn).Ping(); err == nil {
		t.Error("the database outlived its test")
	}
}

func TestOwnMariaDBStopsAndStarts(t *testing.T) {
	s := OwnMariaDB(t)
	db := open(t, s.Database())
	if _, err := db.Exec("CREATE TABLE kept (a INT)"); err != nil {
		t.Fatal(err)
	}
	for _, end := range []func(){s.Stop, s.Kill} {
		end()
		if err := db.Ping(); err == nil {
			t.Fatal("a stopped server answers")
		}
		s.Start()
		if _, err := db.Exec("INSERT INTO kept VALUES (1)"); err != nil {
			t.Fatalf("after a start: %v", err)
		}
	}
}

func TestRedisStopsPausesAndStarts(t *testing.T) {
	s := Redis(t)
	if want := "redis://" + s.Addr(); s.URL != want {
		t.Errorf("URL = %q, want %q", s.URL, want)
	}
	if got := ask(t, s.Addr(), "SET kept 1"); got != "+OK" {
		t.Fatalf("SET: %q", got)
	}
	for _, end := range []func(){s.Stop, s.Kill} {
		end()
		if conn, err := net.Dial("tcp", s.Addr()); err == nil {
			conn.Close()
			t.Fatal("a stopped server accepts connections")
		}
		s.Start()
		if got := ask(t, s.Addr(), "EXISTS kept"); got != ":1" {
			t.Errorf("after a start, EXISTS kept: %q", got)
		}
	}
	s.Pause()
	if got := askWithin(t, 300*time.Millisecond, s.Addr(), "PING"); got != "" {
		t.Errorf("a paused server says %q", got)
	}
	s.Resume()
	if got := ask(t, s.Addr(), "PING"); got != "+PONG" {
		t.Errorf("a resumed server says %q", got)
	}
	s.Pause()
	s.Stop() // and a paused one can be stopped
	s.Stop() // twice, too
}

func TestRedisInfo(t *testing.T) {
	s, err := StartRedis(t.Context(), tempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	info, err := s.Info(t.Context(), "memory")
	if err != nil || info["used_memory"] < 1000 {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := s.Info(t.Context(), "nonsense"); err == nil {
		t.Errorf("a section that is none: %v", info)
	}
}

// Another server on our port must be detected, not used.
func TestStartNoticesAPortTakenMeanwhile(t *testing.T) {
	other := Redis(t)
	mine := Redis(t)
	mine.Stop()
	mine.p.port = other.p.port
	if err := mine.p.Start(t.Context()); err == nil {
		t.Fatal("two servers on one port")
	} else if !mine.p.portTaken() {
		t.Errorf("not recognised as a taken port: %v", err)
	}
	if err := mine.p.startSomewhere(t.Context()); err != nil {
		t.Errorf("somewhere else: %v", err)
	}
	if err := mine.p.Start(t.Context()); err == nil {
		t.Error("started twice")
	}
}

func TestStartTellsWhatTheServerSaid(t *testing.T) {
	dir := tempDir(t)
	p := &process{name: "broken", dir: dir,
		command: func(int) *exec.Cmd { return exec.Command("sh", "-c", "echo no such option >&2; exit 1") },
		ready:   func(context.Context) error { return errors.New("not yet") },
	}
	if err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "no such option") {
		t.Errorf("error = %v", err)
	}
	if err := p.Pause(); err == nil {
		t.Error("paused what does not run")
	}
}

func TestFindNamesThePackage(t *testing.T) {
	_, err := find("nosuch-package", "nosuch-server")
	missing := new(MissingError)
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "apt-get install --no-install-recommends nosuch-package") {
		t.Errorf("error = %v", err)
	}
	if _, err := find("", "sh"); err != nil {
		t.Error(err)
	}
}

// A test binary that panics runs no cleanup; nothing may be left running.
func TestServersDieWithTheTestBinary(t *testing.T) {
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("only Linux ends the children of a process that died")
	}
	Redis(t) // skips without the programs
	MariaDB(t)
	dir := tempDir(t)
	for _, name := range []string{"redis", "mariadb"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o711); err != nil { // for the user mysql
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SERVERTEST_DIE_IN="+dir)
	out, err := cmd.Output()
	if err == nil {
		t.Fatal("the child was to panic")
	}
	pids := strings.Fields(string(out))
	if len(pids) != 2 {
		t.Fatalf("the child said %q", out)
	}
	for _, pid := range pids {
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return dead(n) }, "server "+pid+" outlived the test binary")
	}
}

// dieLeavingServers is the child of the test above.
func dieLeavingServers(dir string) {
	ctx := context.Background()
	r, err := StartRedis(ctx, filepath.Join(dir, "redis"))
	if err != nil {
		panic(err)
	}
	m, err := StartMariaDB(ctx, filepath.Join(dir, "mariadb"))
	if err != nil {
		panic(err)
	}
	fmt.Println(r.running.Process.Pid, m.running.Process.Pid)
	panic("as a failing test might")
}

// dead reports whether a process is gone, or only waits for init to notice.
func dead(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err != nil || strings.Contains(string(status), "State:\tZ")
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func ask(t *testing.T, addr, command string) string {
	t.Helper()
	return askWithin(t, 10*time.Second, addr, command)
}

// askWithin sends one inline command and returns the first line of the answer,
// or nothing when none comes in time.
func askWithin(t *testing.T, limit time.Duration, addr, command string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, command, "\r\n")
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line)
}

func eventually(t *testing.T, ok func() bool, complaint string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(pollEvery) {
		if time.Now().After(deadline) {
			t.Fatal(complaint)
		}
	}
}
