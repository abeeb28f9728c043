package session

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/fairqueue"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// server answers the requests of a state with the code under test: decide,
// accessEnd and the acks are the real ones. What Refresh adds to them, the
// loop of compare and swap, is taken as one step. That is exact: an outcome
// that writes nothing is settled by what Get gave, one that writes is settled
// when Swap finds that nothing has changed since, and else asked again. The
// step before it, reading the request's one clock, is apart (arrived).
type server struct {
	policy Policy
	lives  lives
	acks   *ackTracker
	store  oneRecord
	onTime bool // see model.setWindow
}

func newServer(p Policy) *server {
	s := &server{policy: p, lives: livesUnder(p)}
	s.acks = newAckTracker(&s.store, slog.New(slog.NewTextHandler(io.Discard, nil)), time.Now)
	s.acks.queue = fairqueue.New(1, func(e ack) string { return e.userID })
	return s
}

// oneRecord is a store of one session.
type oneRecord struct {
	Store
	rec Record
}

func (o *oneRecord) Get(context.Context, string, string) (Record, error) { return o.rec, nil }

func (o *oneRecord) Swap(_ context.Context, old, next Record) error {
	if old.Version != o.rec.Version {
		return ErrConflict
	}
	o.rec = next
	o.rec.Version++
	return nil
}

// verdict is what became of a request.
type verdict struct {
	byAccess bool // a good access token: no store, no cookies
	what     outcome
	brings   behind // which pair, with cookies
	cookies  bool   // the answer brings the pair of the generation that is current now
	fault    string // what the code under test must never do
}

// signedOut: the browser is told to forget its cookies.
func (v verdict) signedOut() bool { return !v.byAccess && (v.what == stolen || v.what == gone) }

func (v verdict) String() string {
	if v.byAccess {
		return "by access token"
	}
	return v.what.String()
}

// load makes the acks those of one instance.
func (s *server) load(w *model, inst uint8) {
	clear(s.acks.seen)
	if a := w.seen[inst]; a != never {
		s.acks.seen["S"] = ack{userID: "U", sessionID: "S", generation: modelGeneration, at: when(a), expires: modelNow.Add(time.Minute)}
	}
}

// useAccess is Authenticate with a good access token.
func (s *server) useAccess(w *model, inst uint8, back behind) verdict {
	if back == current && w.used == never {
		w.used = just
	}
	s.load(w, inst)
	// With no time of issue the use is always news, as it really is once a
	// minute, so that an ack may be queued again at any moment.
	s.acks.noteUse(token.Access{
		UserID: "U", SessionID: "S", Generation: modelGeneration - uint32(back.generations()), ExpiresAt: modelNow.Add(time.Minute),
	}, modelNow)
	// An ack of an older generation is written to no record and applied to
	// none, so the model has no place for it.
	if e := s.acks.seen["S"]; e.generation == modelGeneration {
		w.seen[inst] = ageOf(e.at)
	}
	for _, e := range s.acks.queue.Pop(1) {
		w.queued[inst] = w.queued[inst] || e.generation == modelGeneration
	}
	return verdict{byAccess: true}
}

// writeAck is an instance's worker getting round to it.
func (s *server) writeAck(w *model, inst uint8) {
	s.store.rec = w.record()
	err := s.acks.storeAck(context.Background(), ack{
		userID: "U", sessionID: "S", generation: modelGeneration, at: when(w.seen[inst]),
	})
	if err != nil {
		panic("the model's store never fails: " + err.Error())
	}
	received := &w.received
	if w.replica.state == tookOver {
		received = &w.replica.received
	}
	*received, w.queued[inst] = ageOf(s.store.rec.ReceivedAt), false
}

// refresh is Refresh, with the clock as it was a while before.
func (s *server) refresh(w *model, inst uint8, back behind, since age) verdict {
	if w.replica.state == tookOver && w.replica.told {
		back = s.catchUp(w, back, when(since))
	}
	stored := w.record()
	s.load(w, inst)
	rec := s.acks.applyTo(stored)
	presented := w.presentedTo(rec, back)
	what, next := decide(rec, presented, s.policy, when(since))
	v := verdict{what: what, cookies: what == rotated || what == reissued || what == replayed}
	same := pair(next, s.policy) == pair(stored, s.policy)
	next.Version = rec.Version
	switch {
	case what == rotated && next.Generation != presented.Generation+1:
		v.fault = "a generation is left out"
	case what == rotated && next.Generation <= stored.Generation:
		v.fault = "a second child of one generation"
	case what == reissued && (back != w.at() || next.Generation != stored.Generation || !next.IssuedAt.After(stored.IssuedAt)):
		v.fault = "not the current pair with a new date"
	case what == reissued && w.replica.state != tookOver && s.lives.fresh(w, current) && w.issued[0] != nearEnd:
		v.fault = "a new date while the access token is good"
	case what == replayed && !same:
		v.fault = "the child that comes again is another one"
	case !v.cookies && next != rec:
		v.fault = fmt.Sprintf("%s changes the record", v)
	case what == rotated && w.replica.state == tookOver:
		w.rotateCopy(next, back)
	case what == rotated:
		w.rotate(next)
	case what == reissued:
		w.reissue(next)
		if next.ReceivedAt != rec.ReceivedAt {
			v.fault = "an ack is made of a new date"
		}
	case what == replayed:
		w.setWindow(next, s.onTime)
		if next != rec { // stored, and what the instance knew of acks with it
			if w.replica.state == tookOver {
				w.replica.received = ageOf(next.ReceivedAt)
			} else {
				w.received = ageOf(next.ReceivedAt)
			}
		}
	}
	v.brings = w.at()
	return v
}

// change gives the user another role.
func (s *server) change(w *model) {
	if w.replica.state == lagging {
		w.replica.told = true
		defer func() { w.announced = current }()
	}
	w.reissue(withAccount(w.record(), Account{Role: RoleAdmin}, modelNow))
}

// ask is Authenticate as a whole, with the cookies of one jar.
func (s *server) ask(w *model, inst uint8, back behind) verdict {
	if s.lives.fresh(w, back) {
		return s.useAccess(w, inst, back)
	}
	return s.refresh(w, inst, back, just)
}

// stranded says why the browser could not go on from here, "" if it can: a
// request now is answered, and after hours in which everything under way got
// lost it is answered with cookies. A browser that is only ever served without
// cookies is as good as signed out.
func (s *server) stranded(w *model, through int) string {
	for inst := range uint8(through) {
		now := *w
		if v := s.ask(&now, inst, now.jar); v.signedOut() || v.fault != "" {
			return fmt.Sprintf("a request now is %s %s", v, v.fault)
		}
		later := *w
		for i := range later.queued { // by then every ack has been written
			if later.queued[i] {
				s.writeAck(&later, uint8(i))
			}
		}
		later.pass(hours)
		if v := s.refresh(&later, inst, later.jar, just); !v.cookies || v.fault != "" {
			return fmt.Sprintf("a request hours later is %s %s", v, v.fault)
		}
	}
	return ""
}
