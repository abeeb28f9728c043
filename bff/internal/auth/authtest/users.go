package authtest

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// RunUsers is the contract of a user store. open is called once for each test
// and gives an empty store; it cleans up after itself. What becomes of the
// events is RunAudit's to ask.
func RunUsers(t *testing.T, open func(t *testing.T) auth.Users) {
	tests := []struct {
		name string
		run  func(t *testing.T, users auth.Users)
	}{
		{"an account comes back exactly as it was stored", testAccounts},
		{"a missing account is not found", testNobody},
		{"keys and IDs are compared byte by byte", testBytes},
		{"odd IDs find nothing and break nothing", testOddUserIDs},
		{"an address has one account", testDuplicateAddress},
		{"a used ID is not a taken address", testDuplicateID},
		{"an account that does not fit is refused whole", testTooLong},
		{"of simultaneous sign-ups one succeeds", testSignUpRace},
		{"a password hash is replaced if it is still the old one", testSetPasswordHash},
		{"of simultaneous new hashes one succeeds", testSetPasswordHashRace},
		{"a change changes what it names and nothing else", testChange},
		{"a change that does not fit is refused whole", testChangeTooLong},
		{"a missing account is not changed", testChangeNobody},
		{"a change may depend on the password", testChangeIfHash},
		{"of simultaneous new passwords one succeeds", testChangeIfHashRace},
		{"a PendingSync is stored with its change", testOutbox},
		{"a deleted account is gone and its address free", testDelete},
		{"the last active administrator stays", testLastAdmin},
		{"of administrators who go at once one stays", testLastAdminRace},
		{"administrators who come and go at once", testAdminsComeAndGo},
		{"accounts are listed newest first", testListOrder},
		{"a text is found in address and name", testListText},
		{"an address or its beginning comes first", testListAddress},
		{"pages have neither gaps nor repeats", testListPages},
		{"a cancelled call fails", testUsersCancelled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// person makes an account as registration does.
func person() auth.User {
	local := strings.ToLower(rand.Text())
	return auth.User{
		ID:           rand.Text(),
		Email:        auth.Email{Address: "X" + local + "@example.com", Key: "x" + local + "@example.com"},
		Name:         "Ada Lovelace",
		Role:         session.RoleUser,
		PasswordHash: "$2a$12$" + rand.Text(),
		Active:       true,
		CreatedAt:    sessiontest.Start,
	}
}

func registration(u auth.User) auth.Event {
	return auth.Event{
		ID: rand.Text(), Type: auth.EventRegistered, UserID: u.ID, ActorID: u.ID,
		IP: "2001:db8::1", UserAgent: "Browser/1.0", RequestID: rand.Text(), At: u.CreatedAt,
	}
}

func create(t *testing.T, users auth.Users, u auth.User) {
	t.Helper()
	must(t, users.Create(t.Context(), u, registration(u)))
}

// known checks that both ways of asking give u.
func known(t *testing.T, users auth.Users, u auth.User) {
	t.Helper()
	got, err := users.ByID(t.Context(), u.ID)
	must(t, err)
	same(t, "by ID", got, u)
	got, err = users.ByEmail(t.Context(), u.Email.Key)
	must(t, err)
	same(t, "by email", got, u)
	if got.CreatedAt.Location() != time.UTC {
		t.Errorf("CreatedAt is in %v, want UTC", got.CreatedAt.Location())
	}
}

func unknown(t *testing.T, users auth.Users, id, key string) {
	t.Helper()
	if u, err := users.ByID(t.Context(), id); !errors.Is(err, auth.ErrNoUser) || u != (auth.User{}) {
		t.Errorf("ByID(%q) = %+v, %v; want ErrNoUser", id, u, err)
	}
	if u, err := users.ByEmail(t.Context(), key); !errors.Is(err, auth.ErrNoUser) || u != (auth.User{}) {
		t.Errorf("ByEmail(%q) = %+v, %v; want ErrNoUser", key, u, err)
	}
}

func testAccounts(t *testing.T, users auth.Users) {
	plain := person()
	admin := person()
	admin.Role, admin.EmailVerified = session.RoleAdmin, true
	disabled := person()
	disabled.Active = false
	nameless := person()
	nameless.Name = ""
	emoji := person() // four bytes a character, combining marks, trailing space
	emoji.Name = "🦊 Zoë O’Brien 👩‍👩‍👧 𝒳 مرحبا e\u0301 "
	quotes := person()
	quotes.Name = `Robert'); DROP TABLE users;-- \" %_? $1 :name @x` + "\\"
	long := person()
	long.ID = strings.Repeat("Z", 64)
	long.Name = strings.Repeat("🦊", 100)
	long.Email.Key = strings.Repeat("k", 254-len("@example.com")) + "@example.com"
	long.Email.Address = strings.ToUpper(long.Email.Key)
	long.PasswordHash = "$" + strings.Repeat("h", 254)
	digits := person() // a number to a database that guesses
	digits.ID, digits.Name = "22345672345672345672345677", "007"
	exponent := person()
	exponent.ID, exponent.Name = "2E7", "1e3"
	old := person()
	old.CreatedAt = time.Date(1969, time.July, 20, 20, 17, 40, 1e6, time.UTC)
	far := person()
	far.CreatedAt = time.Date(2999, time.December, 31, 23, 59, 59, 999e6, time.UTC)
	summer := person() // an hour that some zones skip
	summer.CreatedAt = time.Date(2026, time.March, 29, 2, 30, 0, 0, time.UTC)

	all := []auth.User{plain, admin, disabled, nameless, emoji, quotes, long, digits, exponent, old, far, summer}
	for _, u := range all {
		create(t, users, u)
	}
	for _, u := range all {
		known(t, users, u)
	}

	elsewhere := person() // the moment counts, not its zone
	elsewhere.CreatedAt = sessiontest.Start.In(time.FixedZone("", -7*3600))
	create(t, users, elsewhere)
	known(t, users, elsewhere)
}

func testNobody(t *testing.T, users auth.Users) {
	unknown(t, users, rand.Text(), "nobody@example.com")
	u := person()
	create(t, users, u)
	unknown(t, users, rand.Text(), "nobody@example.com")
	unknown(t, users, u.Email.Key, u.ID)
	unknown(t, users, "", "")
}

func testBytes(t *testing.T, users auth.Users) {
	u := person()
	u.ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	u.Email.Key = "admin@example.com"
	create(t, users, u)

	keys := []string{
		"Admin@example.com", "ADMIN@EXAMPLE.COM", // case
		"admin@example.com ", " admin@example.com", "admin@example.com\x00", "admin@example.com\t", // padding
		"ádmin@example.com", "a\u0301dmin@example.com", "аdmin@example.com", // accents; a Cyrillic а
		"ａdmin@example.com", "adm\u0131n@example.com", "admi\u00adn@example.com", // full width, dotless, soft hyphen
		"admin@example.co", "admin@example.comm", "%", "admin_example.com", // prefixes and patterns
	}
	ids := []string{
		"abcdefghijklmnopqrstuvwxyz", "aBCDEFGHIJKLMNOPQRSTUVWXYZ", u.ID + " ", u.ID + "\x00", " " + u.ID,
		"ÁBCDEFGHIJKLMNOPQRSTUVWXYZ", "ＡBCDEFGHIJKLMNOPQRSTUVWXYZ", u.ID[:25], u.ID + "A", "%", "__________________________",
	}
	for _, key := range keys {
		unknown(t, users, "nobody", key)
	}
	for _, id := range ids {
		unknown(t, users, id, "nobody")
	}

	// They are other people's, then: each can have an account of its own.
	for _, key := range keys {
		other := person()
		other.Email.Key = key
		create(t, users, other)
		known(t, users, other)
	}
	for _, id := range ids {
		other := person()
		other.ID = id
		create(t, users, other)
		known(t, users, other)
	}
	known(t, users, u)
}

func testOddUserIDs(t *testing.T, users auth.Users) {
	create(t, users, person())
	for _, odd := range []string{
		"\xff\xfe", "\xc3\x28", "\x00", "'", "''", `"`, `\`, "' OR '1'='1", "0", "0x00", "NULL", "🦊",
		strings.Repeat("x", 10_000),
	} {
		unknown(t, users, odd, odd)
	}
}

func testDuplicateAddress(t *testing.T, users auth.Users) {
	first, second := person(), person()
	second.Email.Key = first.Email.Key
	create(t, users, first)
	if err := users.Create(t.Context(), second, registration(second)); !errors.Is(err, auth.ErrEmailTaken) || errors.Is(err, auth.ErrDatabase) {
		t.Errorf("second account: %v, want ErrEmailTaken", err)
	}
	known(t, users, first)
	unknown(t, users, second.ID, "nobody")
	// The same account again gives the same answer.
	if err := users.Create(t.Context(), first, registration(first)); !errors.Is(err, auth.ErrEmailTaken) {
		t.Errorf("the same account again: %v, want ErrEmailTaken", err)
	}
}

func testDuplicateID(t *testing.T, users auth.Users) {
	first, second := person(), person()
	second.ID = first.ID
	create(t, users, first)
	err := users.Create(t.Context(), second, registration(second))
	if !errors.Is(err, auth.ErrDatabase) || errors.Is(err, auth.ErrEmailTaken) {
		t.Errorf("second account with one ID: %v, want ErrDatabase", err)
	}
	known(t, users, first)
	unknown(t, users, "nobody", second.Email.Key)
}

func testTooLong(t *testing.T, users auth.Users) {
	for name, spoil := range map[string]func(*auth.User){
		"no ID":           func(u *auth.User) { u.ID = "" },
		"long ID":         func(u *auth.User) { u.ID = strings.Repeat("x", 65) },
		"no key":          func(u *auth.User) { u.Email.Key = "" },
		"long key":        func(u *auth.User) { u.Email.Key += strings.Repeat("x", 254) },
		"long address":    func(u *auth.User) { u.Email.Address += strings.Repeat("x", 254) },
		"long name":       func(u *auth.User) { u.Name = strings.Repeat("x", 101) },
		"name not UTF-8":  func(u *auth.User) { u.Name = "caf\xe9" },
		"no role":         func(u *auth.User) { u.Role = "" },
		"no hash":         func(u *auth.User) { u.PasswordHash = "" },
		"long hash":       func(u *auth.User) { u.PasswordHash = strings.Repeat("x", 256) },
		"longer than all": func(u *auth.User) { u.Name = strings.Repeat("🦊", 1<<20) },
	} {
		u := person()
		id, key := u.ID, u.Email.Key
		spoil(&u)
		if err := users.Create(t.Context(), u, registration(u)); !errors.Is(err, auth.ErrDatabase) {
			t.Errorf("%s: %v, want ErrDatabase", name, err)
		}
		unknown(t, users, id, key)
		unknown(t, users, u.ID, u.Email.Key)
	}
}
