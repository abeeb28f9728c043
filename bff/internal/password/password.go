// Package password hashes, verifies and judges passwords.
//
// bcrypt reads 72 bytes and stops at a NUL: a longer password matched by its
// first 72 bytes, and "pw\x00pw" matched "pw". Our own hashes are made of 71
// bytes at most (see prepare), so nothing longer fits them. Hashes that other
// software made are read as it wrote them (see readings), once: a sign-in
// replaces them.
package password

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

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
	// maxCost is the dearest stored hash that is computed, and the dearest that
	// can be configured: one of cost 31 held a worker for days.
	maxCost = 16
)

// ErrBusy: the queue for hashing is full; try again after RetryAfter.
var ErrBusy = errors.New("too many passwords are being hashed at once")

// ErrUnreadableHash: the stored hash is not one that Verify can compute: of
// another scheme, damaged, or dearer than maxCost.
var ErrUnreadableHash = errors.New("the stored password hash cannot be read")

// RetryAfter is the Retry-After for a client that got ErrBusy.
const RetryAfter = 2 * time.Second

// Hasher hashes, verifies and judges with bounded concurrency: cost 12 holds a
// core for a quarter of a second, and proxied requests share those cores. It is
// safe for concurrent use.
type Hasher struct {
	cost  int
	queue *queue
	dummy string

	compare  func(hash, input []byte) error // bcrypt's own; tests count the work
	generate func(input []byte, cost int) ([]byte, error)

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
		cost: cost, queue: newQueue(concurrent, waiting), dummy: string(dummy),
		compare: bcrypt.CompareHashAndPassword, generate: bcrypt.GenerateFromPassword,
	}, nil
}

// Hash gives the string to store. It answers ErrBusy when the queue is full
// and ctx's error when the caller gave up while waiting.
func (h *Hasher) Hash(ctx context.Context, party Party, pw string) (string, error) {
	release, err := h.acquireHash(ctx, party)
	if err != nil {
		return "", err
	}
	defer release()
	input, prehashed := prepare(pw)
	out, err := h.generate(input, h.cost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	if prehashed {
		return prehashPrefix + string(out), nil
	}
	return string(out), nil
}

// Verify reports whether pw is the password of the stored hash, and whether
// the hash should be made anew: it is of a lower cost than today's, or fits
// pw only as other software reads it. An empty stored hash means that there is
// no such account.
//
// Every no takes the same time: how often bcrypt is computed depends on pw
// alone, never on whether there is an account or what its hash is. That goes
// for ErrUnreadableHash, too, which the operator must learn of.
func (h *Hasher) Verify(ctx context.Context, party Party, stored, pw string) (ok, rehash bool, err error) {
	release, err := h.acquireHash(ctx, party)
	if err != nil {
		return false, false, err
	}
	defer release()

	tries := readings(pw)
	hash, prehashed := strings.CutPrefix(stored, prehashPrefix)
	cost, unreadable := h.readCost(hash)
	own, long := prepare(pw)
	computed := 0
	switch {
	case unreadable != nil, strings.IndexByte(pw, 0) >= 0: // no right password holds a NUL
	case prehashed && long:
		computed = 1
		if h.matches(hash, own) {
			return true, cost < h.cost, nil
		}
	case prehashed: // only a long password has such a hash
	default:
		for _, try := range tries {
			computed++
			if h.matches(hash, try) {
				// Made of other bytes than ours would be, or of the first ones only.
				foreign := long || string(try) != string(own)
				return true, cost < h.cost || foreign, nil
			}
		}
	}
	for n := range tries {
		if n >= computed {
			h.matches(h.dummy, tries[0]) // the same work
		} else if err := h.fillUp(cost, tries[0]); err != nil {
			return false, false, err
		}
	}
	if stored == "" {
		unreadable = nil
	}
	return false, false, unreadable
}

// bcryptHash is what bcrypt itself writes ($2a$, $2b$) and what PHP calls it
// ($2y$). Other letters stand for other algorithms: $2x$ reads bytes beyond
// ASCII wrongly.
var bcryptHash = regexp.MustCompile(`^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)

func (h *Hasher) readCost(hash string) (int, error) {
	if !bcryptHash.MatchString(hash) {
		return 0, fmt.Errorf("%w: not bcrypt", ErrUnreadableHash)
	}
	cost, err := bcrypt.Cost([]byte(hash))
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %w", ErrUnreadableHash, err)
	case cost > max(maxCost, h.cost):
		return 0, fmt.Errorf("%w: cost %d is more than %d", ErrUnreadableHash, cost, maxCost)
	}
	return cost, nil
}

// matches is one computation of bcrypt.
func (h *Hasher) matches(hash string, input []byte) bool {
	return h.compare([]byte(hash), input) == nil
}

// fillUp does the work that a hash of a lower cost has saved: a quick no
// would tell that there is such an account, brought along from elsewhere.
// bcrypt's work is 2^cost, and 2^c + 2^c + 2^(c+1) + … + 2^(cost-1) = 2^cost.
func (h *Hasher) fillUp(cost int, input []byte) error {
	for ; cost < h.cost; cost++ {
		if _, err := h.generate(input, cost); err != nil {
			return fmt.Errorf("password: %w", err)
		}
	}
	return nil
}

// prepare normalises to NFC (NIST SP 800-63B-4 §3.1.1.2: "é" typed on a Mac
// and on a PC is one password) and turns what fills all that bcrypt reads into
// 44 characters: a hash of 72 bytes fits everything that begins with them.
func prepare(pw string) (input []byte, prehashed bool) {
	normal := norm.NFC.String(pw)
	if len(normal) < bcryptLimit {
		return []byte(normal), false
	}
	mac := hmac.New(sha256.New, []byte(prehashKey))
	mac.Write([]byte(normal))
	return []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), true
}

// readings are what a plain bcrypt hash may have been made of when pw is the
// right password: normalised as we do, and as it was typed, both cut where
// bcrypt stops, perhaps within a character. They are one or two, by pw alone.
func readings(pw string) [][]byte {
	cut := func(s string) []byte { return []byte(s[:min(len(s), bcryptLimit)]) }
	list := [][]byte{cut(norm.NFC.String(pw))}
	if typed := cut(pw); string(typed) != string(list[0]) {
		list = append(list, typed)
	}
	return list
}
