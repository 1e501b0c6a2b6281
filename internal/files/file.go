// Package files keeps what is uploaded: a row with name, type, size and hash for each file, its bytes in platform/blob, what
// uses it, and links by which somebody without a credential may read it. A file that nothing uses goes after a week.
//
// What a file means is left to the rooms that use it: they say so by Attach and Detach, in their own transactions.
package files

import (
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// Resource is the resource type of events.
const Resource = "file"

// The events of files.
const (
	EventCreated = "file.created"
	EventUpdated = "file.updated" // it came into use, or out of it
	EventDeleted = "file.deleted"
)

var (
	// ErrNotFound is also the answer for another account's file.
	ErrNotFound = errs.New(errs.NotFound, "file.not_found", "There is no such file, or it is not visible to this credential.")
	// ErrInUse is the deletion of a file that something uses.
	ErrInUse = errs.New(errs.Conflict, "file.in_use", "Something uses this file. Remove it there first; a file that nothing uses goes by itself.")
	// ErrStale is a version that is not the current one.
	ErrStale = errs.New(errs.Stale, "file.stale", "The file has changed since you read it. Read it again and repeat the change on what it is now.")
	// ErrLinkTime is a link that would last for too short or too long.
	ErrLinkTime = errs.InvalidFields(errs.Field{Pointer: "/expires_in_seconds", Code: "out_of_range", Detail: "Must be from 60 to 2592000, which is 30 days."})
)

const (
	// MaxName is the longest name of a file, in characters.
	MaxName = 255
	// unusedFor is how long a file may be there before something uses it.
	unusedFor = 7 * 24 * time.Hour

	defaultLink = 24 * time.Hour
	shortLink   = time.Minute
	longLink    = 30 * 24 * time.Hour
)

// File is an uploaded file. Its content never changes.
type File struct {
	ID          kernel.FileID
	Version     int64
	Name        string // "" once it is deleted
	ContentType string // what its bytes and its sender agree on
	Size        int64
	SHA256      [32]byte
	CreatedBy   uuid.UUID  // as auth.Actor.ID says it; zero for the system
	ExpiresAt   *time.Time // when it goes unless something uses it by then; nil while something does
	CreatedAt   time.Time
	UpdatedAt   time.Time
	DeletedAt   *time.Time
}

// Use is a resource that a file belongs to.
type Use struct {
	Resource string // as in events: "vehicle"
	ID       uuid.UUID
}

// Shown tells whether a browser may show the content in place: pictures, which cannot run anything.
func (f File) Shown() bool {
	switch f.ContentType {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif":
		return true
	}
	return false
}

// CleanName is the last part of a path as senders give it, from whatever system. False when it cannot be a name.
func CleanName(given string) (string, bool) {
	name := path.Base(strings.ReplaceAll(strings.TrimSpace(given), `\`, "/"))
	if name == "." || name == "/" || name == ".." {
		return "", false
	}
	odd := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > MaxName || strings.ContainsFunc(name, odd) {
		return "", false
	}
	return name, true
}

// isVersion tells whether the file is in the version that a change is meant for.
func (f File) isVersion(v *int64) error {
	if v != nil && *v != f.Version {
		return ErrStale
	}
	return nil
}
