package token

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Access holds the claims of an access token. Times are whole seconds.
type Access struct {
	UserID     string
	SessionID  string
	Generation uint32
	Role       string
	Email      string
	IssuedAt   time.Time
	ExpiresAt  time.Time
}

// expired is the error of the parser for exp.
func (a *Access) expired(now time.Time) bool { return !now.Before(a.ExpiresAt) }

type accessClaims struct {
	jwt.RegisteredClaims        // iss sub iat exp
	SessionID            string `json:"sid"`
	Generation           uint32 `json:"gen"`
	Role                 string `json:"role"`
	Email                string `json:"email"`
}

// MintAccess signs a; the same Access gives the same bytes.
func (i *Issuer) MintAccess(a Access) (string, error) {
	k := i.keys.Load()
	return k.access.mint(typAccess, &accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: k.issuer, Subject: a.UserID,
			IssuedAt: jwt.NewNumericDate(a.IssuedAt), ExpiresAt: jwt.NewNumericDate(a.ExpiresAt),
		},
		SessionID: a.SessionID, Generation: a.Generation, Role: a.Role, Email: a.Email,
	})
}

// VerifyAccess reads an access token without any I/O. It answers ErrInvalid,
// or ErrExpired beside the genuine claims.
//
// A token that was verified before is not verified again, see verified; its
// time is looked at every time, so that the answer is the same.
func (i *Issuer) VerifyAccess(raw string, now time.Time) (Access, error) {
	k := i.keys.Load()
	if known := k.verified.find(raw); known != nil {
		if known.access.expired(now) {
			return known.access, ErrExpired
		}
		return known.access, nil
	}
	a, timeless, err := k.verifyAccess(raw, now)
	if err == nil && timeless {
		k.verified.keep(raw, a, now)
	}
	return a, err
}

// verifyAccess does the work. timeless: nothing but exp can make the answer
// another one at another time. We sign no nbf, but it is honoured.
func (k *Keys) verifyAccess(raw string, now time.Time) (_ Access, timeless bool, _ error) {
	var c accessClaims
	err := k.access.parse(raw, typAccess, k.issuer, now, &c)
	if err != nil && !errors.Is(err, ErrExpired) {
		return Access{}, false, err
	}
	if c.Subject == "" || c.SessionID == "" || c.Generation == 0 || c.Role == "" || c.IssuedAt == nil {
		return Access{}, false, fmt.Errorf("%w: a claim is missing", ErrInvalid)
	}
	return Access{
		UserID: c.Subject, SessionID: c.SessionID, Generation: c.Generation,
		Role: c.Role, Email: c.Email, IssuedAt: c.IssuedAt.Time, ExpiresAt: c.ExpiresAt.Time,
	}, c.NotBefore == nil, err
}

// Refresh holds the claims of a refresh token. Times are whole seconds.
//
// Remember and AbsoluteEnd travel inside jti, so that "which session is this"
// can be answered while the session store is away.
type Refresh struct {
	UserID      string
	SessionID   string
	Generation  uint32
	Remember    bool
	AbsoluteEnd time.Time
	IssuedAt    time.Time
	ExpiresAt   time.Time // the session's idle end
}

type refreshClaims struct {
	jwt.RegisteredClaims        // iss sub jti iat exp
	SessionID            string `json:"sid"`
	Generation           uint32 `json:"gen"`
}

// id is unique per token: a session mints a generation once (RFC 7519 §4.1.7).
func (r Refresh) id() string {
	kind := "s"
	if r.Remember {
		kind = "r"
	}
	return r.SessionID + "." + strconv.FormatUint(uint64(r.Generation), 36) + "." +
		strconv.FormatInt(r.AbsoluteEnd.Unix(), 36) + "." + kind
}

// readID is the inverse of id.
func (r *Refresh) readID(id string) error {
	parts := strings.Split(id, ".")
	if len(parts) != 4 || parts[0] != r.SessionID || (parts[3] != "r" && parts[3] != "s") {
		return errors.New("unreadable jti")
	}
	end, err := strconv.ParseInt(parts[2], 36, 64)
	if err != nil {
		return errors.New("unreadable jti")
	}
	r.AbsoluteEnd, r.Remember = time.Unix(end, 0), parts[3] == "r"
	return nil
}

// MintRefresh signs r; the same Refresh gives the same bytes.
func (i *Issuer) MintRefresh(r Refresh) (string, error) {
	k := i.keys.Load()
	return k.refresh.mint(typRefresh, &refreshClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: k.issuer, Subject: r.UserID, ID: r.id(),
			IssuedAt: jwt.NewNumericDate(r.IssuedAt), ExpiresAt: jwt.NewNumericDate(r.ExpiresAt),
		},
		SessionID: r.SessionID, Generation: r.Generation,
	})
}

// VerifyRefresh reads a refresh token without any I/O. It answers ErrInvalid,
// or ErrExpired beside the genuine claims.
func (i *Issuer) VerifyRefresh(raw string, now time.Time) (Refresh, error) {
	k := i.keys.Load()
	var c refreshClaims
	err := k.refresh.parse(raw, typRefresh, k.issuer, now, &c)
	if err != nil && !errors.Is(err, ErrExpired) {
		return Refresh{}, err
	}
	if c.Subject == "" || c.SessionID == "" || c.Generation == 0 || c.IssuedAt == nil {
		return Refresh{}, fmt.Errorf("%w: a claim is missing", ErrInvalid)
	}
	r := Refresh{
		UserID: c.Subject, SessionID: c.SessionID, Generation: c.Generation,
		IssuedAt: c.IssuedAt.Time, ExpiresAt: c.ExpiresAt.Time,
	}
	if idErr := r.readID(c.ID); idErr != nil {
		return Refresh{}, fmt.Errorf("%w: %w", ErrInvalid, idErr)
	}
	return r, err
}
