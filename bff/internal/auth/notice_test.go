package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

func mailTo(box auth.Mailer) func(*auth.Deps) {
	return func(d *auth.Deps) { d.Mailer, d.Limits.Notice = box, auth.DefaultLimits.Notice }
}

// told waits until everything is delivered, and gives it.
func (h *harness) told(box *postbox) []auth.Notice {
	h.t.Helper()
	h.stop()
	return box.delivered()
}

func kinds(list []auth.Notice) (out []auth.NoticeKind) {
	for _, n := range list {
		out = append(out, n.Kind)
	}
	return out
}

const anotherPassword = "difference engine no. 2"

func TestNoticesOfChanges(t *testing.T) {
	t.Parallel()
	firefox := session.Client{IP: "203.0.113.7", UserAgent: "Firefox/140.0", RequestID: "r"}
	boss := session.Principal{UserID: "boss", Role: session.RoleAdmin}
	admin, user, off, on := session.RoleAdmin, session.RoleUser, false, true
	own := func(kind auth.NoticeKind) auth.Notice {
		return auth.Notice{Kind: kind, IP: firefox.IP, UserAgent: firefox.UserAgent}
	}
	for name, c := range map[string]struct {
		do   func(ctx context.Context, h *harness, u auth.User, who session.Principal) error
		want []auth.Notice
	}{
		"own password": {func(ctx context.Context, h *harness, _ auth.User, who session.Principal) error {
			_, err := h.ChangePassword(ctx, who, adaPassword, anotherPassword)
			return err
		}, []auth.Notice{own(auth.NoticePasswordChanged)}},
		"own password, current one wrong": {func(ctx context.Context, h *harness, _ auth.User, who session.Principal) error {
			_, err := h.ChangePassword(ctx, who, "wrong", anotherPassword)
			return refused(err)
		}, nil},
		"password by an administrator": {func(ctx context.Context, h *harness, u auth.User, _ session.Principal) error {
			return h.SetPassword(ctx, boss, u, anotherPassword)
		}, []auth.Notice{{Kind: auth.NoticePasswordSet}}},
		"a password that is refused": {func(ctx context.Context, h *harness, u auth.User, _ session.Principal) error {
			return refused(h.SetPassword(ctx, boss, u, "password"))
		}, nil},
		"own account deleted": {func(ctx context.Context, h *harness, _ auth.User, who session.Principal) error {
			return h.DeleteAccount(ctx, who, adaPassword)
		}, []auth.Notice{own(auth.NoticeAccountDeleted)}},
		"deletion with a wrong password": {func(ctx context.Context, h *harness, _ auth.User, who session.Principal) error {
			return refused(h.DeleteAccount(ctx, who, "wrong"))
		}, nil},
		"disabled": {func(ctx context.Context, h *harness, u auth.User, _ session.Principal) error {
			_, err := h.ChangeUser(ctx, boss, u.ID, nil, &off)
			return err
		}, []auth.Notice{{Kind: auth.NoticeAccountDisabled}}},
		"enabled, which it was": {func(ctx context.Context, h *harness, u auth.User, _ session.Principal) error {
			_, err := h.ChangeUser(ctx, boss, u.ID, nil, &on)
			return err
		}, nil},
		"another role": {func(ctx context.Context, h *harness, u auth.User, _ session.Principal) error {
			_, err := h.ChangeUser(ctx, boss, u.ID, &admin, nil)
			return err
		}, []auth.Notice{{Kind: auth.NoticeRoleChanged, Role: session.RoleAdmin}}},
		"the same role": {func(ctx context.Context, h *harness, u auth.User, _ session.Principal) error {
			_, err := h.ChangeUser(ctx, boss, u.ID, &user, nil)
			return err
		}, nil},
		"of an account there is not": {func(ctx context.Context, h *harness, _ auth.User, _ session.Principal) error {
			_, err := h.ChangeUser(ctx, boss, "nobody", nil, &off)
			return refused(err)
		}, nil},
		"another name": {func(ctx context.Context, h *harness, _ auth.User, who session.Principal) error {
			_, err := h.Rename(ctx, who, "Countess")
			return err
		}, nil},
		"signed out everywhere": {func(ctx context.Context, h *harness, _ auth.User, who session.Principal) error {
			return h.EndSessions(ctx, who, false)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box := &postbox{}
			h := open(t, mailTo(box))
			u := h.register()
			in, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.do(auth.WithClient(t.Context(), firefox), h, u, in.Principal); err != nil {
				t.Fatal(err)
			}
			got := h.told(box)
			for i := range c.want {
				c.want[i].To, c.want[i].UserID, c.want[i].At = adaEmail, u.ID, h.clock.Now()
			}
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(auth.Notice{}, "ID"), cmpopts.IgnoreUnexported(auth.Notice{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// refused wants an answer for the client.
func refused(err error) error {
	var e *refusal.Error
	if errors.As(err, &e) {
		return nil
	}
	return fmt.Errorf("not refused: %w", err)
}

func TestNewBrowserSendsANoticeButTheFirst(t *testing.T) {
	t.Parallel()
	box := &postbox{}
	h := open(t, mailTo(box))
	h.register()
	signIn := func(device string) string {
		t.Helper()
		in, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword, Device: device})
		if err != nil {
			t.Fatal(err)
		}
		return in.Device
	}
	count := func(n int) func() bool { return func() bool { return len(h.eventsOf(auth.EventLoginSucceeded)) == n } }
	first := signIn("")
	eventually(t, "the first one in the trail", count(1))
	signIn(first)
	second := signIn("")
	signIn(second)
	signIn(h.tokens.NewDevice("somebody else"))
	if _, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: "a wrong one"}); err == nil {
		t.Fatal("signed in with a wrong password")
	}
	if _, err := h.SignIn(t.Context(), auth.Credentials{Email: "nobody@example.com", Password: "a wrong one"}); err == nil {
		t.Fatal("nobody signed in")
	}
	got := h.told(box)
	if diff := cmp.Diff([]auth.NoticeKind{auth.NoticeNewBrowser, auth.NoticeNewBrowser}, kinds(got)); diff != "" {
		t.Error(diff)
	}
}

// Whoever has the password, or makes accounts with somebody's address, must
// not fill that mailbox.
func TestNoticesAreBounded(t *testing.T) {
	t.Parallel()
	box, outcome := &postbox{}, &tally{}
	h := open(t, mailTo(box), func(d *auth.Deps) { d.Observe.Noticed = outcome.add })
	signIn := func() session.Principal {
		t.Helper()
		in, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword})
		if err != nil {
			t.Fatal(err)
		}
		return in.Principal
	}
	h.register()
	signIn()
	eventually(t, "the first one in the trail", func() bool { return len(h.eventsOf(auth.EventLoginSucceeded)) == 1 })
	for range 7 {
		signIn()
	}
	eventually(t, "three, and no more", func() bool { return outcome.String() == "map[sent:3 suppressed:4]" })
	h.clock.Advance(20 * time.Minute)
	signIn()
	eventually(t, "one more after a while", func() bool { return outcome.String() == "map[sent:4 suppressed:4]" })
	who := signIn()
	for range 5 { // another kind has a count of its own, other accounts of the same address have none
		if err := h.DeleteAccount(t.Context(), who, adaPassword); err != nil {
			t.Fatal(err)
		}
		h.register()
		who = signIn()
	}
	got := kinds(h.told(box))
	want := []auth.NoticeKind{
		auth.NoticeNewBrowser, auth.NoticeNewBrowser, auth.NoticeNewBrowser, auth.NoticeNewBrowser,
		auth.NoticeAccountDeleted, auth.NoticeAccountDeleted, auth.NoticeAccountDeleted,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// atOnce holds back the next two who read a session until both have.
type atOnce struct {
	session.Store
	mu    sync.Mutex
	left  int
	ready chan struct{}
}

func (a *atOnce) Get(ctx context.Context, userID, id string) (session.Record, error) {
	rec, err := a.Store.Get(ctx, userID, id)
	a.mu.Lock()
	held := a.left > 0
	if held {
		if a.left--; a.left == 0 {
			close(a.ready)
		}
	}
	a.mu.Unlock()
	if held {
		<-a.ready
	}
	return rec, err
}

// Two instances see the same theft at the same moment; both end the session.
func TestTheftSendsOneNotice(t *testing.T) {
	t.Parallel()
	box, gate := &postbox{}, &atOnce{ready: make(chan struct{})}
	var shared auth.Deps
	h := open(t, mailTo(box), func(d *auth.Deps) {
		gate.Store, d.Sessions = d.Sessions, gate
		shared = *d
	})
	other := auth.New(shared)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- other.Run(ctx) }()

	h.register()
	copied := h.signIn(false)
	current := copied.Refresh
	for range 2 {
		h.clock.Advance(20 * time.Minute)
		g, err := h.Refresh(t.Context(), current)
		if err != nil {
			t.Fatal(err)
		}
		current = g.Cookies.Refresh
	}
	gate.mu.Lock()
	gate.left = 2
	gate.mu.Unlock()
	var thieves sync.WaitGroup
	answers := make([]error, 2)
	for i, s := range []*auth.Service{h.Service, other} {
		thieves.Go(func() { _, answers[i] = s.Sessions().Refresh(t.Context(), copied.Refresh) })
	}
	thieves.Wait()
	for _, err := range answers {
		wantCode(t, err, refusal.RefreshReuse)
	}
	h.stop()
	cancel()
	<-ended
	if got := box.delivered(); len(got) != 1 || got[0].Kind != auth.NoticeSessionStolen || got[0].To != adaEmail {
		t.Errorf("told %v", kinds(got))
	}
	if n := len(h.eventsOf(auth.EventRefreshReuse)); n != 2 {
		t.Errorf("%d events; the two have not met", n)
	}
}

// Nobody is told that a session was ended before it was.
func TestTheftDuringAnOutageSendsItsNoticeAfterTheEnd(t *testing.T) {
	t.Parallel()
	box, store := &postbox{}, &stubborn{}
	h, c := arrived(t, mailTo(box), func(d *auth.Deps) { store.Store, d.Sessions = d.Sessions, store })
	current := c.Refresh
	for range 2 {
		h.clock.Advance(20 * time.Minute)
		g, err := h.Refresh(t.Context(), current)
		if err != nil {
			t.Fatal(err)
		}
		current = g.Cookies.Refresh
	}
	store.refuses.Store(true)
	_, err := h.Refresh(t.Context(), c.Refresh)
	wantCode(t, err, refusal.SessionStoreUnavailable)
	eventually(t, "a further try", func() bool { return store.tries.Load() > 1 })
	if got := box.delivered(); len(got) != 0 {
		t.Errorf("told %v", kinds(got))
	}
	store.refuses.Store(false)
	eventually(t, "the notice", func() bool { return len(box.delivered()) == 1 })
	if got := h.told(box); len(got) != 1 || got[0].Kind != auth.NoticeSessionStolen {
		t.Errorf("told %v", kinds(got))
	}
}

// The person who changes a password has nothing to do with the mail server.
func TestNoRequestWaitsForTheMailServer(t *testing.T) {
	t.Parallel()
	box := &postbox{hang: true}
	h := open(t, mailTo(box))
	h.register()
	in, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first one in the trail", func() bool { return len(h.eventsOf(auth.EventLoginSucceeded)) == 1 })
	h.signIn(false)
	eventually(t, "a mail that hangs", func() bool { return box.tried() == 1 })
	began := time.Now()
	if _, err := h.ChangePassword(t.Context(), in.Principal, adaPassword, anotherPassword); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 9*time.Second { // an attempt has ten
		t.Errorf("the request took %s", took)
	}
}

// A thief who was caught while the store could not end the session signed out,
// and the trail had a sign-out where it should have a theft; no notice was sent.
func TestSignOutOfAThiefDoesNotReplaceTheTheft(t *testing.T) {
	box := &postbox{}
	store := &stubborn{}
	h, c := arrived(t, mailTo(box), func(d *auth.Deps) { store.Store, d.Sessions = d.Sessions, store })
	h.clock.Advance(20 * time.Minute)
	g, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	h.who(g.Cookies)
	h.clock.Advance(time.Minute)
	store.refuses.Store(true)
	_, err = h.Refresh(t.Context(), c.Refresh)
	wantCode(t, err, refusal.SessionStoreUnavailable)
	wantCode(t, h.SignOut(t.Context(), c.Access, c.Refresh), refusal.SessionStoreUnavailable)
	store.refuses.Store(false)
	eventually(t, "the theft in the trail", func() bool { return len(h.eventsOf(auth.EventRefreshReuse)) == 1 })
	if got := kinds(h.told(box)); !slices.Contains(got, auth.NoticeSessionStolen) {
		t.Errorf("notices %v", got)
	}
	if n := len(h.eventsOf(auth.EventLogout)); n != 0 {
		t.Errorf("%d sign-outs in the trail", n)
	}
}
