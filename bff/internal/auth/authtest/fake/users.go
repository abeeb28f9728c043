package fake

import (
	"context"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// Users is auth.Users in memory, for tests.
type Users struct {
	audit *Audit

	mu      sync.Mutex
	byID    map[string]auth.User
	byKey   map[string]string // Email.Key to ID
	failure error

	searchStep int    // see SearchAtMost
	onSearch   func() // see OnSearch

	pendingSyncs []auth.PendingSync
}

var _ auth.Users = (*Users)(nil)

// NewUsers gives a store without accounts, whose audit events go to audit.
func NewUsers(audit *Audit) *Users {
	return &Users{audit: audit, byID: map[string]auth.User{}, byKey: map[string]string{}}
}

// Fail makes every call report that the database is away, because
// of err, until Fail(nil).
func (s *Users) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

func (s *Users) usable(ctx context.Context) error { return answerable(ctx, s.failure) }

// Create is auth.Users.Create. It refuses what a database with the limits of
// this product would, so that a test does not pass here and fail there.
func (s *Users) Create(ctx context.Context, u auth.User, e auth.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	if _, taken := s.byKey[u.Email.Key]; taken {
		return auth.ErrEmailTaken
	}
	if _, taken := s.byID[u.ID]; taken {
		return fmt.Errorf("%w: the user id %q is used", auth.ErrDatabase, u.ID)
	}
	if !fits(u) {
		return fmt.Errorf("%w: the account does not fit", auth.ErrDatabase)
	}
	if err := s.audit.record(ctx, e); err != nil {
		return err
	}
	u.CreatedAt = stored(u.CreatedAt)
	s.byID[u.ID], s.byKey[u.Email.Key] = u, u.ID
	return nil
}

func fits(u auth.User) bool {
	within := func(s string, least, most int) bool { return len(s) >= least && len(s) <= most }
	return within(u.ID, 1, 64) && within(u.Email.Key, 1, 254) && within(u.Email.Address, 1, 254) &&
		utf8.ValidString(u.Name) && utf8.RuneCountInString(u.Name) <= 100 &&
		u.Role != "" && fitsHash(u.PasswordHash)
}

func fitsHash(hash string) bool { return hash != "" && len(hash) <= 255 }

// ByID is auth.Users.ByID.
func (s *Users) ByID(ctx context.Context, id string) (auth.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return auth.User{}, err
	}
	u, ok := s.byID[id]
	if !ok {
		return auth.User{}, auth.ErrNoUser
	}
	return u, nil
}

// ByEmail is auth.Users.ByEmail.
func (s *Users) ByEmail(ctx context.Context, key string) (auth.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return auth.User{}, err
	}
	id, ok := s.byKey[key]
	if !ok {
		return auth.User{}, auth.ErrNoUser
	}
	return s.byID[id], nil
}

// SetPasswordHash is auth.Users.SetPasswordHash.
func (s *Users) SetPasswordHash(ctx context.Context, id, old, next string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	if !fitsHash(next) {
		return fmt.Errorf("%w: the password hash does not fit", auth.ErrDatabase)
	}
	if u, ok := s.byID[id]; ok && u.PasswordHash == old {
		u.PasswordHash = next
		s.byID[id] = u
	}
	return nil
}
