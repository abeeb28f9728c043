package fake

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// List is auth.Users.List.
func (s *Users) List(ctx context.Context, q auth.UserQuery) ([]auth.User, auth.Position, error) {
	s.mu.Lock()
	hook := s.onSearch
	s.mu.Unlock()
	if hook != nil && q.Text != "" {
		hook()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, auth.Position{}, err
	}
	limit := max(q.Limit, 1)
	all := slices.Collect(maps.Values(s.byID))
	prefix := auth.AddressPrefix(q.Text)
	begins := func(u auth.User) bool {
		return q.Text != "" && strings.HasPrefix(u.Email.Key, prefix) && !strings.ContainsFunc(prefix, unicode.IsSpace)
	}
	var found []auth.User
	if q.After.ID == "" {
		for _, u := range all {
			if begins(u) && u.Email.Key > q.After.Key {
				found = append(found, u)
			}
		}
		slices.SortFunc(found, func(a, b auth.User) int { return strings.Compare(a.Email.Key, b.Email.Key) })
	}
	if len(found) >= limit {
		return found[:limit], auth.Position{}, nil
	}
	after := q.After
	after.Key = ""
	read := page(all, userPosition, after, len(all))
	var resume auth.Position
	if s.searchStep > 0 && q.Text != "" && len(read) > s.searchStep {
		read = read[:s.searchStep]
		resume = userPosition(read[len(read)-1])
	}
	text := strings.ToLower(q.Text)
	for _, u := range read {
		if !begins(u) && (strings.Contains(strings.ToLower(u.Email.Address), text) || strings.Contains(strings.ToLower(u.Name), text)) {
			found = append(found, u)
		}
	}
	if len(found) >= limit {
		return found[:limit], auth.Position{}, nil
	}
	return found, resume, nil
}

func userPosition(u auth.User) auth.Position { return auth.Position{At: u.CreatedAt, ID: u.ID} }

// SearchAtMost has each search look at so many accounts only and say where to
// go on, as a database does that has many; 0: at all of them.
func (s *Users) SearchAtMost(accounts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.searchStep = accounts
}

// OnSearch has each search call hook before it looks; nil: nothing.
func (s *Users) OnSearch(hook func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onSearch = hook
}
