package sqlstore

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// TestQueries pins the SQL that every request of a kind runs: a change of GORM,
// or of how it is asked, is to be seen here and not in a server's load. It is
// the same on every engine but for what the two maps hold.
func TestQueries(t *testing.T) {
	const user = "SELECT `users`.`id`,`users`.`email_key`,`users`.`email`,`users`.`name`,`users`.`role`," +
		"`users`.`password_hash`,`users`.`active`,`users`.`email_verified`,`users`.`created_at`,`users`.`updated_at` FROM `users` "
	const event = "INSERT INTO `login_audit` (`id`,`type`,`user_id`,`actor_id`,`session_id`,`detail`,`ip`,`user_agent`,`request_id`,`at`) " +
		"VALUES (?,?,?,?,?,?,?,?,?,?)"
	const events = "SELECT `login_audit`.`id`,`login_audit`.`type`,`login_audit`.`user_id`,`login_audit`.`actor_id`,`login_audit`.`session_id`," +
		"`login_audit`.`detail`,`login_audit`.`ip`,`login_audit`.`user_agent`,`login_audit`.`request_id`,`login_audit`.`at` FROM `login_audit` "
	one := map[string]string{"mysql": "LIMIT ?", "sqlite": "LIMIT 1"}
	five := map[string]string{"mysql": "LIMIT ?", "sqlite": "LIMIT 5"}
	sixth := map[string]string{"mysql": "LIMIT ? OFFSET ?", "sqlite": "LIMIT 1 OFFSET 5"}
	byList := map[string]string{"mysql": "FORCE INDEX (`users_by_created`) ", "sqlite": ""}
	byUserType := map[string]string{"mysql": "FORCE INDEX (`login_audit_of_user_type`) ", "sqlite": ""}
	again := map[string]string{"mysql": "ON DUPLICATE KEY UPDATE", "sqlite": "ON CONFLICT (`name`) DO UPDATE SET"}
	forUpdate := map[string]string{"mysql": " FOR UPDATE", "sqlite": " "}
	hasText := map[string]string{
		"mysql": "(LOWER(email) COLLATE utf8mb4_bin LIKE LOWER(? COLLATE utf8mb4_unicode_ci) COLLATE utf8mb4_bin ESCAPE '!'" +
			" OR LOWER(name) COLLATE utf8mb4_bin LIKE LOWER(? COLLATE utf8mb4_unicode_ci) COLLATE utf8mb4_bin ESCAPE '!')",
		"sqlite": "(gatehouse_lower(email) LIKE gatehouse_lower(?) ESCAPE '!' OR gatehouse_lower(name) LIKE gatehouse_lower(?) ESCAPE '!')",
	}
	onceOnly := map[string]string{
		"mysql":  " ON DUPLICATE KEY UPDATE `id`=`id`",
		"sqlite": " ON CONFLICT DO NOTHING",
	}
	onEveryEngine(t, func(t *testing.T, c Config) {
		db := openDB(t, c)
		dry := db.orm.Session(&gorm.Session{DryRun: true})
		row, err := newAuditRow(auth.Event{ID: "1"})
		if err != nil {
			t.Fatal(err)
		}
		var r userRow
		var users []userRow
		var trail []auditRow
		var ids []string
		after := auth.Position{At: time.UnixMilli(1), ID: "1"}
		for name, q := range map[string]struct {
			ran  *gorm.DB
			want string
		}{
			"ByEmail": {selectUser(dry, "email_key = ?", "k", &r), user + "WHERE email_key = ? " + one[db.orm.Name()]},
			"ByID":    {selectUser(dry, "id = ?", "k", &r), user + "WHERE id = ? " + one[db.orm.Name()]},
			"SetPasswordHash": {
				updateHash(dry, "id", "old", "next", 1),
				"UPDATE `users` SET `password_hash`=?,`updated_at`=? WHERE id = ? AND password_hash = ?",
			},
			"Create": {
				dry.Create(&userRow{}),
				"INSERT INTO `users` (`id`,`email_key`,`email`,`name`,`role`,`password_hash`,`active`,`email_verified`,`created_at`,`updated_at`) " +
					"VALUES (?,?,?,?,?,?,?,?,?,?)",
			},
			"List": {
				selectUsers(dry, auth.UserQuery{Limit: 5}, &users),
				user + "ORDER BY created_at DESC, id DESC " + five[db.orm.Name()],
			},
			"List, page 2": {
				selectUsers(dry, auth.UserQuery{After: after, Limit: 5}, &users),
				user + "WHERE created_at <= ? AND (created_at < ? OR id < ?) ORDER BY created_at DESC, id DESC " + five[db.orm.Name()],
			},
			"the addresses that a search finds": {
				selectUsersByKey(dry, "x", "k", 5, &users),
				user + "WHERE email_key > ? AND email_key >= ? AND email_key < ? ORDER BY email_key " + five[db.orm.Name()],
			},
			"the end of a search's range": {
				selectRangeEnd(dry, db.dialect, after, 6, &users),
				"SELECT `created_at`,`id` FROM `users` " + byList[db.orm.Name()] + "WHERE created_at <= ? AND (created_at < ? OR id < ?) " +
					"ORDER BY created_at DESC, id DESC " + sixth[db.orm.Name()],
			},
			"a search's range": {
				selectRange(dry, db.dialect, "x", after, after, 5, &users),
				user + byList[db.orm.Name()] + "WHERE (created_at >= ? AND (created_at > ? OR id >= ?)) AND (NOT (email_key >= ? AND email_key < ?)) AND " +
					hasText[db.orm.Name()] + " AND (created_at <= ? AND (created_at < ? OR id < ?)) " +
					"ORDER BY created_at DESC, id DESC " + five[db.orm.Name()],
			},
			"Page": {
				selectEvents(dry, db.dialect, auth.EventQuery{Limit: 5}, &trail),
				events + "ORDER BY at DESC, id DESC " + five[db.orm.Name()],
			},
			"Page of a person and type, page 2": {
				selectEvents(dry, db.dialect, auth.EventQuery{UserID: "u", Type: "t", After: after, Limit: 5}, &trail),
				events + byUserType[db.orm.Name()] + "WHERE user_id = ? AND type = ? AND (at <= ? AND (at < ? OR id < ?)) ORDER BY at DESC, id DESC " + five[db.orm.Name()],
			},
			"the guard": {
				writeGuard(dry, "g"),
				"INSERT INTO `guards` (`name`,`changes`) VALUES (?,?) " + again[db.orm.Name()] + " `changes`=changes + 1",
			},
			"the active administrators": {selectAdmins(dry, &ids), "SELECT `id` FROM `users` WHERE role = ? AND active = ?"},
			"the lock":                  {lockUsers(dry, []string{"1", "2"}, &users), user + "WHERE id IN (?,?) ORDER BY id" + forUpdate[db.orm.Name()]},
			"Change":                    {updateUser(dry, "id", map[string]any{"role": "user", "active": true}), "UPDATE `users` SET `active`=?,`role`=? WHERE id = ?"},
			"Delete":                    {deleteUser(dry, "id"), "DELETE FROM `users` WHERE id = ?"},
			"its event":                 {dry.Create(&row), event},
			"Append":                    {insertEvents(dry, []auditRow{row}), event + onceOnly[db.orm.Name()]},
		} {
			if got := q.ran.Statement.SQL.String(); q.ran.Error != nil || got != q.want {
				t.Errorf("%s (%v)\n got %s\nwant %s", name, q.ran.Error, got, q.want)
			}
		}
	})
}

// The columns decide what is equal, and that by bytes. A collation slipping in,
// by a default of the server's, makes two people one.
func TestMySQLColumnsCompareBytes(t *testing.T) {
	db := migrated(t, Config{MySQLDSN: engines["MariaDB"](t).MySQLDSN})
	var columns []struct {
		TableName, ColumnName, DataType, CharacterSetName string
	}
	err := db.orm.Raw("SELECT table_name AS table_name, column_name AS column_name, data_type AS data_type, COALESCE(character_set_name, '') AS character_set_name " +
		"FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name IN ('users', 'login_audit')").Scan(&columns).Error
	if err != nil {
		t.Fatal(err)
	}
	prose := map[string]bool{"email": true, "name": true, "detail": true, "user_agent": true, "request_id": true}
	if len(columns) != 20 {
		t.Errorf("%d columns, want 20", len(columns))
	}
	for _, c := range columns {
		switch {
		case prose[c.ColumnName]:
			if c.DataType != "varchar" || c.CharacterSetName != "utf8mb4" {
				t.Errorf("%s.%s is %s %s, want varchar utf8mb4", c.TableName, c.ColumnName, c.DataType, c.CharacterSetName)
			}
		case c.DataType != "varbinary" && c.DataType != "bigint" && c.DataType != "tinyint":
			t.Errorf("%s.%s is %s, want varbinary", c.TableName, c.ColumnName, c.DataType)
		}
	}
}

func TestSetPasswordHashNotesWhen(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c Config) {
		db := migrated(t, c)
		created := time.UnixMilli(0) // which GORM likes to take for "not set"
		u := auth.User{ID: "id", Email: auth.Email{Address: "a", Key: "a"}, Role: session.RoleUser, PasswordHash: "h", CreatedAt: created}
		if err := db.Create(t.Context(), u, auth.Event{ID: "1"}); err != nil {
			t.Fatal(err)
		}
		changed := func() (r userRow) {
			if err := db.orm.Take(&r).Error; err != nil {
				t.Fatal(err)
			}
			return r
		}
		if r := changed(); r.CreatedAt != 0 || r.UpdatedAt != 0 {
			t.Errorf("created %d, updated %d, want 0 and 0", r.CreatedAt, r.UpdatedAt)
		}
		if err := db.SetPasswordHash(t.Context(), "id", "other", "next"); err != nil {
			t.Fatal(err)
		}
		if r := changed(); r.UpdatedAt != 0 {
			t.Errorf("nothing changed, at %d", r.UpdatedAt)
		}
		if err := db.SetPasswordHash(t.Context(), "id", "h", "next"); err != nil {
			t.Fatal(err)
		}
		if r := changed(); r.CreatedAt != 0 || r.UpdatedAt != db.now().UnixMilli() {
			t.Errorf("created %d, updated %d, want 0 and %d", r.CreatedAt, r.UpdatedAt, db.now().UnixMilli())
		}
	})
}
