// Package password hashes, verifies and judges passwords.
//
// bcrypt reads 72 bytes and stops at a NUL: a longer password matched by its
// first 72 bytes, and "pw\x00pw" matched "pw". What is longer is hashed first
// (see prepare); control characters are refused by Check.
package password

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"
)

const (
	bcryptLimit = 72 // bytes bcrypt reads
	// prehashPrefix marks stored hashes whose password went through HMAC
	// first. It holds a letter that no bcrypt hash starts with.
	prehashPrefix = "$gh1"
	// prehashKey separates our pre-hash from a plain SHA-256 of the password
	// that another site may have leaked ("password shucking").
	prehashKey = "gatehouse password pre-hash v1"
)

// ErrBusy: the queue for hashing is full; try again after RetryAfter.
var ErrBusy = errors.New("too many passwords are being hashed at once")

// RetryAfter is what to tell a client that met ErrBusy.
const RetryAfter = 2 * time.Second

// Hasher hashes and verifies with bounded concurrency: cost 12 holds a core
// for a quarter of a second, and proxied requests share those cores. It is
// safe for concurrent use.
type Hasher struct {
	cost  int
	slots chan struct{} // one per hash under way
	queue chan struct{} // one per caller, waiting or hashing
	dummy string

	observe Observer
}

// NewHasher takes bcrypt's cost, how many hashes may run at once (best
// GOMAXPROCS-1, at least 1) and how many callers may wait beyond those. Any
// cost that bcrypt knows will do here, so that tests can be quick; the
// configuration allows no less than 12.
func NewHasher(cost, concurrent, waiting int) (*Hasher, error) {
	if concurrent < 1 || waiting < 0 {
		return nil, fmt.Errorf("password: %d concurrent and %d waiting; need at least 1 and 0", concurrent, waiting)
	}
	// A real hash of this cost: a malformed one answers in half a
	// microsecond and tells an unknown email from a wrong password.
	dummy, err := bcrypt.GenerateFromPassword([]byte("gatehouse: nobody's password"), cost)
	if err != nil {
		return nil, fmt.Errorf("password: %w", err)
	}
	return &Hasher{
		cost:  cost,
		slots: make(chan struct{}, concurrent),
		queue: make(chan struct{}, concurrent+waiting),
		dummy: string(dummy),
	}, nil
}

// Hash gives the string to store. It answers ErrBusy when the queue is full
// and ctx's error when the caller gave up while waiting.
func (h *Hasher) Hash(ctx context.Context, pw string) (string, error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	input, prehashed := prepare(pw)
	out, err := bcrypt.GenerateFromPassword(input, h.cost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	if prehashed {
		return prehashPrefix + string(out), nil
	}
	return string(out), nil
}

// Verify reports whether pw is the password of the stored hash, and whether
// the hash should be made anew (lower cost than today's). An empty stored
// hash means that there is no such account: the answer is no, in the time
// that a wrong password takes.
func (h *Hasher) Verify(ctx context.Context, stored, pw string) (ok, rehash bool, err error) {
	release, err := h.acquire(ctx)
	if err != nil {
		return false, false, err
	}
	defer release()

	input, prehashed := prepare(pw)
	hash, wasPrehashed := strings.CutPrefix(stored, prehashPrefix)
	// The scheme of the stored hash says whether the right password is longer
	// than 72 bytes; and no right password holds a NUL.
	possible := stored != "" && prehashed == wasPrehashed && strings.IndexFunc(pw, unicode.IsControl) < 0
	if !possible {
		// Same work, answer no.
		hash = h.dummy
	}
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil {
		return false, false, fmt.Errorf("stored password hash: %w", err)
	}
	err = bcrypt.CompareHashAndPassword([]byte(hash), input)
	switch {
	case err == nil && possible:
		return true, cost < h.cost, nil
	case err == nil || errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return false, false, h.fillUp(cost, input)
	default:
		return false, false, fmt.Errorf("stored password hash: %w", err)
	}
}

// fillUp does the work that a hash of a lower cost has saved: a quick no
// would tell that there is such an account, brought along from elsewhere.
// bcrypt's work is 2^cost, and 2^c + 2^c + 2^(c+1) + … + 2^(cost-1) = 2^cost.
func (h *Hasher) fillUp(cost int, input []byte) error {
	for ; cost < h.cost; cost++ {
		if _, err := bcrypt.GenerateFromPassword(input, cost); err != nil {
			return fmt.Errorf("password: %w", err)
		}
	}
	return nil
}

func (h *Hasher) acquire(ctx context.Context) (release func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		if h.observe.Refused != nil {
			h.observe.Refused()
		}
		return nil, ErrBusy
	}
	select {
	case h.slots <- struct{}{}:
		ended := h.observe.begins()
		return func() { ended(); <-h.slots; <-h.queue }, nil
	case <-ctx.Done():
		<-h.queue
		return nil, ctx.Err()
	}
}

// prepare normalises to NFC (NIST SP 800-63B-4 §3.1.1.2: "é" typed on a Mac
// and on a PC is one password) and turns what bcrypt would cut into 44
// characters that it reads whole.
func prepare(pw string) (input []byte, prehashed bool) {
	normal := norm.NFC.String(pw)
	if len(normal) <= bcryptLimit {
		return []byte(normal), false
	}
	mac := hmac.New(sha256.New, []byte(prehashKey))
	mac.Write([]byte(normal))
	return []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), true
}
