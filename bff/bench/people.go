package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

// session is what a browser holds of one.
type signedIn struct{ access, refresh string }

func (s signedIn) cookie() string { return "access_token=" + s.access + "; refresh_token=" + s.refresh }

const (
	goodPassword = "a heron on the mill pond"
	// perPerson keeps the list of somebody's sessions about as long as that of a
	// real one with many devices.
	perPerson = 16
)

// fill signs n sessions in. It uses a product in this process that hashes
// quickly and counts nobody's attempts, on the stores and with the secrets of
// those that are measured later: a thousand honest sign-ins take five minutes.
func (h *harness) fill(ctx context.Context, n int) (err error) {
	addr, err := rivals.FreeAddr()
	if err != nil {
		return err
	}
	env := maps.Clone(h.env)
	env["LISTEN_ADDR"], env["OPS_ADDR"] = addr, "off"
	c, err := config.Load(func(name string) string { return env[name] })
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(io.Discard, nil))
	a, err := app.New(ctx, app.Options{Config: c, Log: log, Now: time.Now, HashCost: 4, Crowd: true})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() { cancel(); err = errors.Join(err, <-ended) }()
	base := "http://" + addr + "/api/auth/"
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	h.sessions = make([]signedIn, n)
	people := (n + perPerson - 1) / perPerson
	const side = 8
	return load.AtOnce(side, func(i int) error {
		for person := i; person < people; person += side {
			body := fmt.Sprintf(`{"email":"person%d@example.com","password":%q}`, person, goodPassword)
			if err := posted(client, base+"register", body, http.StatusCreated, nil); err != nil {
				return err
			}
			for k := person * perPerson; k < min(n, (person+1)*perPerson); k++ {
				if err := posted(client, base+"login", body, http.StatusOK, &h.sessions[k]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// posted sends JSON, wants a status, and keeps the cookies in s.
func posted(c *http.Client, url, body string, want int, s *signedIn) error {
	resp, err := c.Post(url, "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != want {
		return fmt.Errorf("%s: %s %s", url, resp.Status, text)
	}
	if s == nil {
		return nil
	}
	for _, c := range resp.Cookies() {
		switch c.Name {
		case "access_token":
			s.access = c.Value
		case "refresh_token":
			s.refresh = c.Value
		}
	}
	if s.access == "" || s.refresh == "" {
		return fmt.Errorf("%s: no cookies", url)
	}
	return nil
}
