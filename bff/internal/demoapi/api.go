// Package demoapi is an ordinary backend behind the gatehouse, and a model for
// real ones. It has no cookies, no sessions and no sign-in: who is calling
// stands in the identity token of each request, which [verifier] checks, and a
// handler that needs a caller takes a [Caller].
package demoapi

import (
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// Options configure the API: it accepts tokens of this issuer for this audience.
type Options struct {
	JWKSURL  string // of the gatehouse's public keys
	Issuer   string // `iss`: the gatehouse's PUBLIC_URL
	Audience string // `aud`: this API's name in the route table
	Now      func() time.Time
	Logger   *slog.Logger
}

// API is the handler; it keeps notes in memory.
type API struct {
	mux      *http.ServeMux
	verifier *verifier
	notes    *notebook
	now      func() time.Time
	logger   *slog.Logger
}

// Caller is the subject of a verified token.
type Caller struct {
	ID, Email, Role, Audience string
}

// New makes the API. It does not fetch the keys yet: the gatehouse may start after
// its backends.
func New(o Options) (*API, error) {
	var missing []error
	for _, need := range []struct{ name, value string }{{"JWKSURL", o.JWKSURL}, {"Issuer", o.Issuer}, {"Audience", o.Audience}} {
		if need.value == "" {
			missing = append(missing, errors.New("demoapi: "+need.name+" is empty; tokens cannot be verified without it"))
		}
	}
	if o.Now == nil {
		missing = append(missing, errors.New("demoapi: Now is nil; give it a clock"))
	}
	if len(missing) > 0 {
		return nil, errors.Join(missing...)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	keys, err := newKeySet(o.JWKSURL, o.Now, o.Logger)
	if err != nil {
		return nil, err
	}
	a := &API{
		mux:      http.NewServeMux(),
		verifier: newVerifier(keys, o.Issuer, o.Audience, o.Now),
		notes:    newNotebook(o.Now),
		now:      o.Now,
		logger:   o.Logger,
	}
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	a.mux.Handle("GET /me", a.member(a.me))
	a.mux.Handle("GET /notes", a.member(a.listNotes))
	a.mux.Handle("POST /notes", a.member(a.addNote))
	a.mux.Handle("GET /clock", a.member(a.clock))
	a.mux.Handle("GET /echo", a.member(a.echo))
	for _, path := range []string{"/healthz", "/me", "/clock", "/echo"} {
		a.mux.HandleFunc(path, methodNotAllowed("GET, HEAD"))
	}
	a.mux.HandleFunc("/notes", methodNotAllowed("GET, HEAD, POST"))
	a.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "not_found", "There is nothing at this path.")
	})
	return a, nil
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// member wraps a handler that needs a caller.
func (a *API) member(h func(w http.ResponseWriter, r *http.Request, who Caller)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := a.verifier.caller(r)
		switch {
		case err == nil:
			w.Header().Set("Cache-Control", "no-store")
			h(w, r, who)
		case errors.Is(err, errNoKeys):
			// Not the caller's fault, so not a 401: the same token is good in a moment.
			a.logger.Warn("demo api: no keys to verify with", "error", err)
			w.Header().Set("Retry-After", "1")
			problem(w, http.StatusServiceUnavailable, "keys_unavailable", "The identity keys cannot be fetched at the moment.")
		case errors.Is(err, errNoToken):
			w.Header().Set("WWW-Authenticate", "Bearer") // RFC 6750 §3.1: no error code without a token
			problem(w, http.StatusUnauthorized, "not_authenticated", "An identity token is needed.")
		default:
			a.logger.Info("demo api: token refused", "error", err)
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			problem(w, http.StatusUnauthorized, "not_authenticated", "The identity token is not valid here.")
		}
	})
}

func methodNotAllowed(allow string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", allow)
		problem(w, http.StatusMethodNotAllowed, "method_not_allowed", "This path answers "+allow+" only.")
	}
}
