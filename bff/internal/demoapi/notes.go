package demoapi

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

const (
	maxNoteRunes    = 500
	maxNotesPerUser = 200
	maxNoteUsers    = 1000
	maxNoteBody     = 16 << 10
)

// Note is one line of a user.
type Note struct {
	ID        string    `json:"id"`
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"createdAt"`
}

// notebook keeps notes in memory, per user. Notes of a user and users are bounded,
// so that a demo that is left running cannot fill a machine: the oldest notes of a
// user go first, and so does the user whose last note is the oldest.
type notebook struct {
	now func() time.Time

	mu     sync.Mutex
	byUser map[string][]Note // oldest first
}

func newNotebook(now func() time.Time) *notebook {
	return &notebook{now: now, byUser: make(map[string][]Note)}
}

func (b *notebook) add(user, text string) Note {
	note := Note{ID: rand.Text(), Text: text, CreatedAt: b.now().UTC()}
	b.mu.Lock()
	defer b.mu.Unlock()
	notes, known := b.byUser[user]
	if !known && len(b.byUser) >= maxNoteUsers {
		delete(b.byUser, b.quietest())
	}
	if len(notes) >= maxNotesPerUser {
		notes = append([]Note{}, notes[len(notes)-maxNotesPerUser+1:]...)
	}
	b.byUser[user] = append(notes, note)
	return note
}

// quietest is the user whose last note is the oldest. b.mu is held.
func (b *notebook) quietest() (user string) {
	var oldest time.Time
	for u, notes := range b.byUser {
		if last := notes[len(notes)-1].CreatedAt; user == "" || last.Before(oldest) {
			user, oldest = u, last
		}
	}
	return user
}

// list returns a user's notes, newest first; never nil, which JSON would make null.
func (b *notebook) list(user string) []Note {
	b.mu.Lock()
	defer b.mu.Unlock()
	notes := b.byUser[user]
	list := make([]Note, 0, len(notes))
	for i := len(notes) - 1; i >= 0; i-- {
		list = append(list, notes[i])
	}
	return list
}

func (a *API) listNotes(w http.ResponseWriter, _ *http.Request, who Caller) {
	answer(w, http.StatusOK, map[string][]Note{"notes": a.notes.list(who.ID)})
}

func (a *API) addNote(w http.ResponseWriter, r *http.Request, who Caller) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		problem(w, http.StatusUnsupportedMediaType, "unsupported_media_type", "Send the note as application/json.")
		return
	}
	text, err := readNote(http.MaxBytesReader(w, r.Body, maxNoteBody))
	var tooLarge *http.MaxBytesError
	var mistyped *json.SemanticError
	switch n := utf8.RuneCountInString(text); {
	case errors.As(err, &tooLarge):
		problem(w, http.StatusRequestEntityTooLarge, "body_too_large", fmt.Sprintf("A note takes at most %d bytes.", tooLarge.Limit))
	case errors.As(err, &mistyped):
		problem(w, http.StatusUnprocessableEntity, "validation_failed", `Send exactly {"text": "…"}.`)
	case err != nil:
		problem(w, http.StatusBadRequest, "malformed_json", `Send exactly {"text": "…"}.`)
	case n < 1 || n > maxNoteRunes:
		problem(w, http.StatusUnprocessableEntity, "validation_failed", fmt.Sprintf("text must have 1 to %d characters.", maxNoteRunes))
	default:
		answer(w, http.StatusCreated, a.notes.add(who.ID, text))
	}
}

// readNote takes one object with the member text and nothing else. A missing
// text is an empty one. encoding/json would take "TEXT" too, the last of two
// texts, and anything behind the object.
func readNote(body io.Reader) (string, error) {
	var in struct {
		Text string `json:"text"`
	}
	err := json.UnmarshalRead(body, &in, json.RejectUnknownMembers(true))
	return in.Text, err
}
