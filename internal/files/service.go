package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/background"
	"github.com/rooftop-crm/rooftop/internal/platform/blob"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
	"github.com/rooftop-crm/rooftop/internal/platform/links"
	"github.com/rooftop-crm/rooftop/internal/platform/longjobs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Store is where files' rows are.
type Store interface {
	Insert(ctx context.Context, account kernel.AccountID, f File) error
	Find(ctx context.Context, account kernel.AccountID, id kernel.FileID) (File, error)
	FindMany(ctx context.Context, account kernel.AccountID, ids []kernel.FileID) ([]File, error)
	ListByID(ctx context.Context, account kernel.AccountID, after kernel.FileID, limit int) ([]File, error)
	List(ctx context.Context, account kernel.AccountID, p page.Request) (page.Of[File], error)
	// Update locks the row, runs change and writes it when change says so.
	Update(ctx context.Context, account kernel.AccountID, id kernel.FileID, change func(*File) (bool, error)) (File, error)
	AddUse(ctx context.Context, account kernel.AccountID, id kernel.FileID, u Use, at time.Time) error
	RemoveUse(ctx context.Context, account kernel.AccountID, id kernel.FileID, u Use) error
	Used(ctx context.Context, account kernel.AccountID, id kernel.FileID) (bool, error)
}

// Unit runs fn in one transaction, which nested calls join.
type Unit interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
}

// Deps is what a Service is built from.
type Deps struct {
	Store Store
	Unit  Unit
	Blobs *blob.Store
	Log   *outbox.Log
	Links *links.Store
	Work  *background.Runner
	Jobs  *jobs.Runner
	Now   func() time.Time

	LongJobs *longjobs.Service
	Web      Web
	Seals    Seals
}

// Service is what may be done with files. The account's dealerships share them.
type Service struct{ Deps }

// NewService returns a service.
func NewService(d Deps) *Service {
	s := &Service{d}
	d.LongJobs.Register(longjobs.Kind{Name: JobFetch, Scope: auth.FilesWrite, Outside: s.outside, Step: fetched})
	return s
}

const (
	// WorkUnused looks, when a file's time is up, whether something uses it.
	WorkUnused = "files.unused"
	room       = "files"
)

// Upload is a file on its way in.
type Upload struct {
	Name     string
	Declared string // Content-Type as sent; "" for none
	From     io.Reader
	Limit    int64 // bytes
}

// Stored is an upload whose bytes are kept, and which is no file yet.
type Stored struct {
	ID   kernel.FileID
	Name string
	Info blob.Info
}

// Keep keeps the bytes of an upload, before any transaction: it takes as long as the sender does. Create makes the file
// of it; what never becomes one is swept. It fails with the errors of platform/blob, or of the reader.
func (s *Service) Keep(ctx context.Context, actor auth.Actor, up Upload) (Stored, error) {
	if err := actor.Require(auth.FilesWrite); err != nil {
		return Stored{}, err
	}
	name, ok := CleanName(up.Name)
	if !ok {
		return Stored{}, errs.InvalidFields(badName("?name"))
	}
	up.Name = name
	return s.keep(ctx, actor.Account, kernel.NewID[kernel.FileID](), up)
}

func (s *Service) keep(ctx context.Context, account kernel.AccountID, id kernel.FileID, up Upload) (Stored, error) {
	info, err := s.Blobs.Write(ctx, blob.Key(account, room, uuid.UUID(id)), up.From, up.Limit, up.Declared)
	return Stored{ID: id, Name: up.Name, Info: info}, err
}

func badName(pointer string) errs.Field {
	return errs.Field{Pointer: pointer, Code: "invalid", Detail: fmt.Sprintf("Must be a file's name of 1 to %d characters, none of them for control.", MaxName)}
}

// Drop forgets an upload that did not become a file. When it cannot, the sweep will.
func (s *Service) Drop(ctx context.Context, account kernel.AccountID, st Stored) error {
	return s.Blobs.Delete(ctx, blob.Key(account, room, uuid.UUID(st.ID)))
}

// Create makes a file of what Keep kept.
func (s *Service) Create(ctx context.Context, actor auth.Actor, st Stored) (File, error) {
	if err := actor.Require(auth.FilesWrite); err != nil {
		return File{}, err
	}
	now := s.Now()
	end := now.Add(unusedFor)
	f := File{
		ID: st.ID, Version: 1, Name: st.Name, ContentType: st.Info.Type, Size: st.Info.Size, SHA256: st.Info.SHA256,
		CreatedBy: actor.ID(), ExpiresAt: &end, CreatedAt: now, UpdatedAt: now,
	}
	err := s.Unit.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.Insert(ctx, actor.Account, f); err != nil {
			return err
		}
		if err := s.Work.Schedule(ctx, actor.Account, WorkUnused, uuid.UUID(f.ID), end); err != nil {
			return err
		}
		return s.announce(ctx, actor, EventCreated, f, nil)
	})
	return f, err
}

// Find reads a file's row. It fails with ErrNotFound.
func (s *Service) Find(ctx context.Context, actor auth.Actor, id kernel.FileID) (File, error) {
	if err := actor.Require(auth.FilesRead); err != nil {
		return File{}, err
	}
	return s.there(ctx, actor.Account, id)
}

func (s *Service) there(ctx context.Context, account kernel.AccountID, id kernel.FileID) (File, error) {
	f, err := s.Store.Find(ctx, account, id)
	if err == nil && f.DeletedAt != nil {
		return File{}, ErrNotFound
	}
	return f, err
}

// List pages through files that are not deleted.
func (s *Service) List(ctx context.Context, actor auth.Actor, p page.Request) (page.Of[File], error) {
	if err := actor.Require(auth.FilesRead); err != nil {
		return page.Of[File]{}, err
	}
	return s.Store.List(ctx, actor.Account, p)
}

// Changes reads the next step of all changes of files, deleted ones included.
func (s *Service) Changes(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[File], error) {
	if err := actor.Require(auth.FilesRead); err != nil {
		return outbox.Changes[File]{}, err
	}
	source := outbox.Source[File]{
		Resource: Resource,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]File, error) {
			return s.Store.ListByID(ctx, actor.Account, kernel.FileID(after), limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]File, error) {
			return s.Store.FindMany(ctx, actor.Account, typed(ids))
		},
		ID: func(f File) uuid.UUID { return uuid.UUID(f.ID) },
	}
	return outbox.Read(ctx, s.Log, actor.Account, source, c, limit)
}

func typed(ids []uuid.UUID) []kernel.FileID {
	out := make([]kernel.FileID, len(ids))
	for i, id := range ids {
		out[i] = kernel.FileID(id)
	}
	return out
}

// Open reads a file's content, from any place. It must be closed.
func (s *Service) Open(ctx context.Context, actor auth.Actor, id kernel.FileID) (File, io.ReadSeekCloser, error) {
	if err := actor.Require(auth.FilesRead); err != nil {
		return File{}, nil, err
	}
	return s.open(ctx, actor.Account, id)
}

func (s *Service) open(ctx context.Context, account kernel.AccountID, id kernel.FileID) (File, io.ReadSeekCloser, error) {
	f, err := s.there(ctx, account, id)
	if err != nil {
		return File{}, nil, err
	}
	content, err := s.Blobs.Open(ctx, blob.Key(account, room, uuid.UUID(id)))
	if errors.Is(err, blob.ErrNotFound) {
		// Deleted between the two, or lost: a row without its bytes.
		if _, gone := s.there(ctx, account, id); gone != nil {
			err = gone
		}
	}
	return f, content, err
}

// Delete deletes a file that nothing uses, with its links. It fails with ErrInUse, or with ErrStale unless ifVersion is the
// current version.
func (s *Service) Delete(ctx context.Context, actor auth.Actor, id kernel.FileID, ifVersion *int64) error {
	if err := actor.Require(auth.FilesWrite); err != nil {
		return err
	}
	return s.delete(ctx, actor, id, func(f File) error { return f.isVersion(ifVersion) })
}

func (s *Service) delete(ctx context.Context, actor auth.Actor, id kernel.FileID, check func(File) error) error {
	return s.Unit.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		f, err := s.Store.Update(ctx, actor.Account, id, func(f *File) (bool, error) {
			if f.DeletedAt != nil {
				return false, ErrNotFound
			}
			if err := check(*f); err != nil {
				return false, err
			}
			used, err := s.Store.Used(ctx, actor.Account, id)
			if err != nil {
				return false, err
			}
			if used {
				return false, ErrInUse
			}
			f.Version, f.Name, f.ExpiresAt, f.UpdatedAt, f.DeletedAt = f.Version+1, "", nil, now, &now
			return true, nil
		})
		if err != nil {
			return err
		}
		if err := s.Links.RevokeAll(ctx, actor.Account, linkPurpose, uuid.UUID(id)); err != nil {
			return err
		}
		if err := s.Work.Cancel(ctx, actor.Account, WorkUnused, uuid.UUID(id)); err != nil {
			return err
		}
		if _, err := s.Jobs.Insert(ctx, actor.Account, removal{FileID: id}, jobs.Options{}); err != nil {
			return err
		}
		return s.announce(ctx, actor, EventDeleted, f, nil)
	})
}

// Attach says that a resource uses the file, in the transaction of ctx: it stays until the last Detach. Saying it twice
// changes nothing. It fails with ErrNotFound.
func (s *Service) Attach(ctx context.Context, actor auth.Actor, id kernel.FileID, u Use) error {
	return s.use(ctx, actor, id, func(ctx context.Context) error {
		return s.Store.AddUse(ctx, actor.Account, id, u, s.Now())
	})
}

// Detach says that a resource no longer uses the file, in the transaction of ctx.
func (s *Service) Detach(ctx context.Context, actor auth.Actor, id kernel.FileID, u Use) error {
	return s.use(ctx, actor, id, func(ctx context.Context) error {
		return s.Store.RemoveUse(ctx, actor.Account, id, u)
	})
}

// use changes what uses a file under the lock of its row, and starts or stops its time.
func (s *Service) use(ctx context.Context, actor auth.Actor, id kernel.FileID, change func(ctx context.Context) error) error {
	return s.Unit.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		changed := false
		f, err := s.Store.Update(ctx, actor.Account, id, func(f *File) (bool, error) {
			if f.DeletedAt != nil {
				return false, ErrNotFound
			}
			if err := change(ctx); err != nil {
				return false, err
			}
			used, err := s.Store.Used(ctx, actor.Account, id)
			if err != nil || used == (f.ExpiresAt == nil) {
				return false, err
			}
			changed = true
			f.Version, f.UpdatedAt, f.ExpiresAt = f.Version+1, now, nil
			if !used {
				end := now.Add(unusedFor)
				f.ExpiresAt = &end
			}
			return true, nil
		})
		if err != nil || !changed {
			return err
		}
		if f.ExpiresAt == nil {
			err = s.Work.Cancel(ctx, actor.Account, WorkUnused, uuid.UUID(id))
		} else {
			err = s.Work.Schedule(ctx, actor.Account, WorkUnused, uuid.UUID(id), *f.ExpiresAt)
		}
		if err != nil {
			return err
		}
		return s.announce(ctx, actor, EventUpdated, f, []string{"expires_at"})
	})
}

func (s *Service) announce(ctx context.Context, actor auth.Actor, event string, f File, changed []string) error {
	return s.Log.Write(ctx, actor.Account, outbox.Event{
		Type: event, Resource: Resource, ID: uuid.UUID(f.ID), Sequence: f.Version, Actor: actor, Changed: changed, At: f.UpdatedAt,
	})
}
