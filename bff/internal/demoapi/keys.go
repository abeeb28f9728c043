package demoapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

const (
	keysMaxAge   = time.Hour        // a withdrawn key is accepted no longer than this
	keysMinAge   = 10 * time.Second // tokens with made-up key ids must not cause more fetches
	keysRetry    = time.Second      // while there are no keys at all
	keysTimeout  = 5 * time.Second
	keysMaxBytes = 1 << 20
)

// keySet is the gatehouse's published keys (RFC 7517), fetched when they are
// needed: at the first token, for a key id that is new, and once an hour. So
// there is nothing to start or stop, and it does not matter which of the two
// servers is up first. keyfunc could refresh by itself, but on the wall clock,
// from a goroutine, and once per request that waits.
type keySet struct {
	url    string
	client *http.Client
	now    func() time.Time
	logger *slog.Logger

	current atomic.Pointer[keys]

	mu    sync.Mutex // held while fetching; waiting callers find the result
	tried time.Time  // last fetch, good or bad
}

type keys struct {
	keyfunc.Keyfunc
	fetched time.Time
}

func newKeySet(rawURL string, now func() time.Time, logger *slog.Logger) (*keySet, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("demoapi: JWKSURL %q is not an http(s) URL; it is PUBLIC_URL + /.well-known/jwks.json", rawURL)
	}
	return &keySet{
		url: rawURL, now: now, logger: logger,
		client: &http.Client{
			Timeout:   keysTimeout,
			Transport: &http.Transport{DisableKeepAlives: true}, // no proxy from the environment
			// Keys come only from the configured address: redirects are not followed.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// lookup finds the key of a token by its kid.
func (s *keySet) lookup(ctx context.Context) jwt.Keyfunc {
	return func(token *jwt.Token) (any, error) {
		if kid, _ := token.Header["kid"].(string); kid == "" {
			return nil, errors.New("kid is missing")
		}
		set := s.current.Load()
		if set == nil || s.now().Sub(set.fetched) >= keysMaxAge {
			set = s.refresh(ctx, set)
		}
		if set == nil {
			return nil, errNoKeys
		}
		key, err := set.KeyfuncCtx(ctx)(token)
		if err != nil { // perhaps a new key
			if newer := s.refresh(ctx, set); newer != nil && newer != set {
				return newer.KeyfuncCtx(ctx)(token)
			}
		}
		return key, err
	}
}

// refresh returns newer keys than seen if it can get them, else seen.
func (s *keySet) refresh(ctx context.Context, seen *keys) *keys {
	s.mu.Lock()
	defer s.mu.Unlock()
	if set := s.current.Load(); set != seen {
		return set // another caller fetched meanwhile
	}
	pause := keysMinAge
	if seen == nil {
		pause = keysRetry
	}
	now := s.now()
	if !s.tried.IsZero() && now.Sub(s.tried) < pause {
		return seen
	}
	s.tried = now
	// Others wait for this answer, so it does not end with our caller.
	set, err := s.fetch(context.WithoutCancel(ctx))
	if err != nil {
		s.logger.Warn("demo api: identity keys not fetched", "error", err)
		return seen // old keys are better than none: their owner is away, not gone
	}
	s.current.Store(&keys{set, now})
	return s.current.Load()
}

func (s *keySet) fetch(ctx context.Context) (keyfunc.Keyfunc, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	res, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch keys: %s answered %s", s.url, res.Status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, keysMaxBytes))
	if err != nil {
		return nil, err
	}
	return keyfunc.NewJWKSetJSON(body)
}
