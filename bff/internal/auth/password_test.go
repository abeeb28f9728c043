package auth_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// withHash is a harness with one user, imported with that hash.
func withHash(t *testing.T, stored string) (*harness, auth.User, *lines) {
	t.Helper()
	log := &lines{}
	h := open(t, func(d *auth.Deps) { d.Log = slog.New(slog.NewTextHandler(log, nil)) })
	u := h.register()
	if err := h.users.SetPasswordHash(t.Context(), u.ID, u.PasswordHash, stored); err != nil {
		t.Fatal(err)
	}
	return h, u, log
}

func (h *harness) try(pw string) error {
	_, err := h.SignIn(h.t.Context(), auth.Credentials{Email: adaEmail, Password: pw})
	return err
}

// An account with a hash of a long, decomposed or odd password was locked out
// for good; and one sign-in makes the hash ours, which nothing longer fits.
func TestImportedAccountSignsInAndIsMadeOurs(t *testing.T) {
	for name, tt := range map[string]struct{ stored, right, cut string }{
		"83 bytes": {
			"$2b$04$QSg0UKBq45bbgD66JJjhO.541wP/8ttpQdOt1CHlzD6u2X8AHBFIi",
			"the quick brown fox jumps over the lazy dog and then once more, to be certain of it",
			"the quick brown fox jumps over the lazy dog and then once more, to be ce",
		},
		"33 kana": {
			"$2a$04$QSg0UKBq45bbgD66JJjhO.r7j8WL6h8qUP4azdvfRue24UhJW1N2G",
			"あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむ", "あいうえおかきくけこさしすせそたちつてとなにぬね",
		},
		"72 bytes": {
			"$2b$04$QSg0UKBq45bbgD66JJjhO.9ZncurKtzXpMzJchsYZNgBr5/hccE4.",
			strings.Repeat("0123456789ab", 6), strings.Repeat("0123456789ab", 6) + "x",
		},
		"decomposed": {"$2y$04$QSg0UKBq45bbgD66JJjhO.PKVaN5CluJLikjE6.NDdz3q.tU6IZf6", "cafe\u0301 au lait", ""},
		"tabs":       {"$2y$04$QSg0UKBq45bbgD66JJjhO.wWnND8.hzzSI5CZtFCMq9ZCj2YwKxES", "tab\there and there", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h, u, _ := withHash(t, tt.stored)
			wantCode(t, h.try(tt.right[:len(tt.right)/2]), refusal.InvalidCredentials)
			if err := h.try(tt.right); err != nil {
				t.Fatalf("the right password: %v", err)
			}
			if err := h.try(tt.right); err != nil {
				t.Errorf("the second time: %v", err)
			}
			now, err := h.users.ByID(t.Context(), u.ID)
			if err != nil {
				t.Fatal(err)
			}
			if raised := now.PasswordHash != tt.stored; raised != (name != "tabs") {
				t.Errorf("made anew: %v", raised)
			}
			if tt.cut != "" {
				wantCode(t, h.try(tt.cut), refusal.InvalidCredentials)
			}
			wantCode(t, h.try(tt.right+"x"), refusal.InvalidCredentials)
		})
	}
}

// A signed-in user proves the password in the same way.
func TestImportedPasswordCanBeChangedAndItsAccountDeleted(t *testing.T) {
	const stored, right = "$2b$04$QSg0UKBq45bbgD66JJjhO.541wP/8ttpQdOt1CHlzD6u2X8AHBFIi", "the quick brown fox jumps over the lazy dog and then once more, to be certain of it"
	for _, deleted := range []bool{false, true} {
		h, c := arrived(t)
		u, err := h.users.ByID(t.Context(), c.UserID)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.users.SetPasswordHash(t.Context(), u.ID, u.PasswordHash, stored); err != nil {
			t.Fatal(err)
		}
		if deleted {
			wantCode(t, h.DeleteAccount(t.Context(), h.who(c), right[:71]), refusal.WrongPassword)
			err = h.DeleteAccount(t.Context(), h.who(c), right)
		} else {
			_, err = h.ChangePassword(t.Context(), h.who(c), right[:71], newPassword)
			wantCode(t, err, refusal.WrongPassword)
			_, err = h.ChangePassword(t.Context(), h.who(c), right, newPassword)
		}
		if err != nil {
			t.Errorf("deleted %v: %v", deleted, err)
		}
	}
}

// It was 500 within a millisecond: the only account that answers so.
func TestUnreadableHashIsARefusalAndALineInTheLog(t *testing.T) {
	for name, stored := range map[string]string{
		"another scheme": "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
		"LDAP":           "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr",
		"cut off":        "$2b$04$QSg0UKBq45bbgD66JJjhO.xc5JhEdf6n1D1r9vs1o",
		"cost 31":        "$2b$31$QSg0UKBq45bbgD66JJjhO.xc5JhEdf6n1D1r9vs1oqlREcJlboZce",
	} {
		t.Run(name, func(t *testing.T) {
			h, u, log := withHash(t, stored)
			for _, pw := range []string{adaPassword, stored + " ", strings.Repeat("long ", 30)} {
				wantCode(t, h.try(pw), refusal.InvalidCredentials)
				text := log.take()
				if !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "user="+u.ID) || strings.Contains(text, pw) {
					t.Errorf("log: %s", text)
				}
			}
			wantCode(t, func() error {
				_, err := h.SignIn(t.Context(), auth.Credentials{Email: "eve@example.com", Password: adaPassword})
				return err
			}(), refusal.InvalidCredentials)
			if text := log.take(); strings.Contains(text, "level=ERROR") {
				t.Errorf("an unknown account is an error: %s", text)
			}
			who := session.Principal{UserID: u.ID, SessionID: "x"}
			_, err := h.ChangePassword(t.Context(), who, adaPassword, newPassword)
			wantCode(t, err, refusal.WrongPassword)
			wantCode(t, h.DeleteAccount(t.Context(), who, adaPassword), refusal.WrongPassword)
			if text := log.take(); strings.Count(text, "user="+u.ID) != 2 {
				t.Errorf("log: %s", text)
			}
			// And another password mends it.
			if err := h.SetPassword(t.Context(), session.Principal{UserID: "operator"}, u, newPassword); err != nil {
				t.Fatal(err)
			}
			if err := h.try(newPassword); err != nil {
				t.Error(err)
			}
		})
	}
}

// hashless is a database with an empty column.
type hashless struct{ auth.Users }

func (u hashless) ByEmail(ctx context.Context, key string) (auth.User, error) {
	user, err := u.Users.ByEmail(ctx, key)
	user.PasswordHash = ""
	return user, err
}

func TestMissingHashIsARefusalAndALineInTheLog(t *testing.T) {
	log := &lines{}
	h := open(t, func(d *auth.Deps) { d.Log, d.Users = slog.New(slog.NewTextHandler(log, nil)), hashless{d.Users} })
	u := h.register()
	wantCode(t, h.try(adaPassword), refusal.InvalidCredentials)
	if text := log.take(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "user="+u.ID) {
		t.Errorf("log: %s", text)
	}
}
