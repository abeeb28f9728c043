package sqlstore

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// The connection that holds the lock does nothing while the trail is copied, and a
// proxy ends what does nothing: a second process begins beside the first.
func TestMigrationsGoOnWhenTheirLockIsLost(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	dsn := server.Database()
	db := openDB(t, Config{MySQLDSN: dsn})
	if err := db.migrateTo(t, 8); err != nil {
		t.Fatal(err)
	}
	const events = 8000
	insert := fmt.Sprintf("INSERT INTO login_audit SELECT MD5(seq), 't', 'u', 'a', '', '', '', '', '', seq DIV 3 FROM seq_1_to_%d", events)
	if err := db.orm.Exec(insert).Error; err != nil {
		t.Fatal(err)
	}
	var run errgroup.Group
	for range 2 {
		one := openDB(t, Config{MySQLDSN: dsn})
		one.copyStep = 50
		run.Go(func() error { return one.Migrate(t.Context()) })
	}
	lost := false
	for deadline := time.Now().Add(patience); !lost; {
		if time.Now().After(deadline) {
			t.Fatal("the copy did not begin")
		}
		var holder, copied int
		db.orm.Raw("SELECT COUNT(*) FROM login_audit_new").Scan(&copied)
		err := db.orm.Raw("SELECT COALESCE(IS_USED_LOCK(CONCAT('gatehouse-migrate-', LEFT(SHA2(DATABASE(), 256), 32))), 0)").Scan(&holder).Error
		if err != nil {
			t.Fatal(err)
		}
		lost = copied > 0 && holder > 0 && db.orm.Exec(fmt.Sprint("KILL ", holder)).Error == nil
		<-time.After(time.Millisecond)
	}
	if err := run.Wait(); err != nil {
		t.Error(err)
	}
	var n int
	if err := db.orm.Raw("SELECT COUNT(DISTINCT at, id) FROM login_audit").Scan(&n).Error; err != nil || n != events {
		t.Errorf("%d events (%v), want %d", n, err, events)
	}
	if err := db.CheckSchema(t.Context()); err != nil {
		t.Error(err)
	}
}
