package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// A process that was killed after a statement and before it noted so down found
// its own table in the way (1050, 1061) at every start after that.
func TestMigrateFinishesWhatAKilledProcessBegan(t *testing.T) {
	dsn := servertest.OwnMariaDB(t)
	for version := 1; version <= lastVersion(t); version++ {
		c := Config{MySQLDSN: dsn.Database()}
		db := openDB(t, c)
		if err := db.migrateTo(t, version); err != nil {
			t.Fatalf("up to %d: %v", version, err)
		}
		if err := db.orm.Exec("DELETE FROM goose_db_version WHERE version_id = ?", version).Error; err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Errorf("step %d was carried out and not noted down: %v", version, err)
			continue
		}
		if err := db.Append(t.Context(), auth.Event{ID: "1"}); err != nil {
			t.Errorf("after step %d: %v", version, err)
		}
	}
}

func lastVersion(t *testing.T) (last int) {
	for name := range copied(t) {
		var version int
		if _, err := fmt.Sscanf(name, "%04d_", &version); err != nil {
			t.Fatal(err)
		}
		last = max(last, version)
	}
	return last
}

// migrateTo migrates up to a version, as a process does that ends there.
func (db *DB) migrateTo(t *testing.T, version int) error {
	t.Helper()
	a := &auditCopy{db: db, pool: db.conn.DB, stop: t.Context()}
	steps := map[int]func(context.Context) error{auditCopyVersion: a.copyAll, auditSwapVersion: a.swap, auditCatchUpVersion: a.catchUp}
	if step := steps[version]; step != nil {
		if err := db.migrateTo(t, version-1); err != nil {
			return err
		}
		return errors.Join(step(t.Context()), db.orm.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, TRUE)", version).Error)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := db.migrate(ctx, &endingFS{copied(t), func(name string) {
		if name >= fmt.Sprintf("%04d_", version) {
			cancel()
		}
	}})
	var have int
	if scan := db.orm.Raw("SELECT MAX(version_id) FROM goose_db_version").Scan(&have).Error; scan != nil || have < version {
		return fmt.Errorf("it is at %d (%w, %w)", have, scan, err)
	}
	return nil
}

// endingFS tells of each file that is opened: goose does when it comes to it.
type endingFS struct {
	fs.FS
	opened func(name string)
}

func (f *endingFS) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, ".sql") {
		f.opened(name)
	}
	return f.FS.Open(name)
}

// What has the name and is something else is not taken for it.
func TestMigrateRefusesWhatIsInItsWay(t *testing.T) {
	for name, was := range map[string]struct{ statement, want string }{
		"a table of another kind":    {"CREATE TABLE good (id INTEGER PRIMARY KEY, other INTEGER)", "table good exists and lacks `name`"},
		"a key of another kind":      {"CREATE TABLE good (id INTEGER, name VARCHAR(10) NOT NULL, PRIMARY KEY (name))", "table good exists and lacks"},
		"a column of another length": {"CREATE TABLE good (id INTEGER PRIMARY KEY, name VARCHAR(11) NOT NULL)", "lacks `name`"},
		"an index of other columns":  {"CREATE INDEX good_index ON users (created_at)", "index good_index of users exists with the columns created_at (unique: false), not name,id"},
		"a unique index":             {"CREATE UNIQUE INDEX good_index ON users (name, id)", "unique: true"},
	} {
		t.Run(name, func(t *testing.T) {
			db := migrated(t, Config{MySQLDSN: servertest.MariaDB(t)})
			if err := db.orm.Exec(was.statement).Error; err != nil {
				t.Fatal(err)
			}
			files := copied(t)
			files["0998_good.sql"] = migration("CREATE TABLE good (id INTEGER PRIMARY KEY, name VARCHAR(10) NOT NULL)")
			if strings.Contains(was.statement, "good_index") {
				files["0998_good.sql"] = migration("CREATE INDEX good_index ON users (name, id)")
			}
			err := db.migrate(t.Context(), files)
			if err == nil || !strings.Contains(err.Error(), was.want) || !strings.Contains(err.Error(), "rename or remove it") {
				t.Errorf("%v, want %q and what to do", err, was.want)
			}
		})
	}
}

// SIGTERM waited for the last migration, however many there were.
func TestMigrateEndsBetweenTwoSteps(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c Config) {
		db := migrated(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		files := copied(t)
		files["0998_first.sql"] = migration("CREATE TABLE first (id INTEGER PRIMARY KEY)")
		files["0999_second.sql"] = migration("CREATE TABLE second (id INTEGER PRIMARY KEY)")
		err := db.migrate(ctx, &endingFS{files, func(name string) {
			if name == "0998_first.sql" {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
		if has := db.orm.Migrator().HasTable; !has("first") || has("second") {
			t.Errorf("first: %t, second: %t; want the one that had begun", has("first"), has("second"))
		}
		if err := db.migrate(t.Context(), files); err != nil {
			t.Fatal(err)
		}
		if !db.orm.Migrator().HasTable("second") {
			t.Error("it does not go on")
		}
	})
}

// migrateInChild is TestMain's, for a process that is there to be killed.
func migrateInChild(dsn string) int {
	db, err := Open(context.Background(), Config{MySQLDSN: dsn, Now: time.Now})
	if err == nil {
		db.copyStep = 100
		err = db.Migrate(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

const childDSN = "GATEHOUSE_TEST_MIGRATE_DSN"

// The audit trail gets another key while instances of the version before write to
// it, and the process that does it is killed again and again.
func TestAuditTrailIsRekeyedWhileItIsWritten(t *testing.T) {
	t.Run("MariaDB", func(t *testing.T) {
		dsn := servertest.MariaDB(t)
		rekey(t, []string{dsn}, dsn)
	})
	t.Run("Galera", func(t *testing.T) {
		dsns := servertest.Galera(t, 2).Database()
		rekey(t, dsns, dsns[0])
	})
}

func rekey(t *testing.T, writers []string, migrator string) {
	db := openDB(t, Config{MySQLDSN: migrator})
	if err := db.migrateTo(t, 8); err != nil {
		t.Fatal(err)
	}
	// As the version before does it, events that come late and twice included.
	const insert = "INSERT INTO `login_audit` (`id`,`type`,`user_id`,`actor_id`,`session_id`,`detail`,`ip`,`user_agent`,`request_id`,`at`) VALUES " +
		"(?,'t','u','','','','','','',?) ON DUPLICATE KEY UPDATE `id`=`id`"
	write := func(db *DB, id string, at int) error {
		return db.do(t.Context(), "write", func(orm *gorm.DB) error { return orm.Exec(insert, id, at).Error })
	}
	const before = 4000
	for i := range before / 500 {
		var rows []auditRow
		for j := range 500 {
			rows = append(rows, auditRow{ID: fmt.Sprint("old ", i, " ", j), Type: "t", UserID: "u", At: int64(i*500 + j)})
		}
		if err := db.orm.Create(rows).Error; err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	counts := make([]int, 2*len(writers))
	var run errgroup.Group
	for w := range counts {
		old := openDB(t, Config{MySQLDSN: writers[w%len(writers)]})
		run.Go(func() error {
			for i := 0; ctx.Err() == nil; i++ {
				at := before + i
				if i%3 == 0 {
					at = i % before // late
				}
				for range 1 + i%2 {
					if err := write(old, fmt.Sprint(w, " ", i), at); err != nil {
						return err
					}
				}
				counts[w]++
			}
			return nil
		})
	}
	kills := 0
	for patience := 10 * time.Millisecond; ; patience += patience / 3 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childDSN+"="+migrator)
		var said strings.Builder
		child.Stderr = &said
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(patience, func() { _ = child.Process.Kill() })
		err := child.Wait()
		if kill.Stop(); err == nil {
			break
		}
		if said.Len() > 0 {
			t.Fatalf("it failed by itself: %s", said.String())
		}
		kills++
	}
	stop()
	if err := run.Wait(); err != nil {
		t.Error(err)
	}
	want := before
	for _, n := range counts {
		want += n
	}
	seen := map[string]int{}
	// With everything that was written at the other nodes.
	caughtUp := openDB(t, Config{MySQLDSN: migrator + "?wsrep_sync_wait=1"})
	for _, e := range (readable{caughtUp}).Events(t) {
		seen[e.ID]++
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s is there %d times", id, n)
		}
	}
	if len(seen) != want {
		t.Errorf("%d events, want %d", len(seen), want)
	}
	var tables []string
	if err := db.orm.Raw("SHOW TABLES LIKE 'login_audit%'").Scan(&tables).Error; err != nil || len(tables) != 1 {
		t.Errorf("tables %q (%v)", tables, err)
	}
	t.Logf("killed %d times; %d events written meanwhile", kills, want-before)
	if ok := regexp.MustCompile(`PRIMARY KEY \(.at.,.id.\)`); !ok.MatchString(tableText(t, db)) {
		t.Errorf("the key is another: %s", tableText(t, db))
	}
}

func tableText(t *testing.T, db *DB) string {
	t.Helper()
	var name, text string
	if err := db.conn.QueryRowContext(t.Context(), "SHOW CREATE TABLE login_audit").Scan(&name, &text); err != nil {
		t.Fatal(err)
	}
	return text
}
