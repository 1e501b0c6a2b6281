package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/longjobs"
)

// JobFetch is the kind of jobs that fetch a file. Their subject is the file that comes of it.
const JobFetch = "file.fetch"

// MaxFetched is how many bytes a file may have that is fetched.
const MaxFetched = 25 << 20

// Web is what files needs from platform/fetch.
type Web interface {
	// Check tells what is plainly wrong with a URL.
	Check(url string) error
	// Fetch reads what is at a URL, and what its host says it is. An error that may pass is of the kind errs.Unavailable.
	Fetch(ctx context.Context, url string) (from io.ReadCloser, declared string, err error)
}

// Seals is what files needs from platform/secret.
type Seals interface {
	Seal(purpose string, plain []byte) []byte
	Open(purpose string, sealed []byte) ([]byte, error)
}

// sealWanted is the purpose under which a wanted file is sealed: the query of its URL may be a secret.
const sealWanted = "files.wanted"

// wanted is where a file comes from, as it is sealed.
type wanted struct {
	URL  string `json:"url"`
	Name string `json:"name"`
}

// fetchState is the state of a job.
type fetchState struct {
	Wanted []byte `json:"wanted"` // sealed
}

// Fetch starts a job that makes a file of what is at a URL, and returns the id that the file will have. An empty name is
// taken from the URL.
func (s *Service) Fetch(ctx context.Context, actor auth.Actor, rawURL, name string) (kernel.FileID, longjobs.Job, error) {
	if err := actor.Require(auth.FilesWrite); err != nil {
		return kernel.FileID{}, longjobs.Job{}, err
	}
	if err := s.Web.Check(rawURL); err != nil {
		if e, ok := errs.As(err); ok {
			err = errs.InvalidFields(errs.Field{Pointer: "/url", Code: e.Code, Detail: e.Public}).Because(err)
		}
		return kernel.FileID{}, longjobs.Job{}, err
	}
	name, ok := nameOf(rawURL, name)
	if !ok {
		return kernel.FileID{}, longjobs.Job{}, errs.InvalidFields(badName("/name"))
	}
	plain, err := json.Marshal(wanted{URL: rawURL, Name: name})
	if err != nil {
		return kernel.FileID{}, longjobs.Job{}, fmt.Errorf("write a wanted file: %w", err)
	}
	state, err := json.Marshal(fetchState{Wanted: s.Seals.Seal(sealWanted, plain)})
	if err != nil {
		return kernel.FileID{}, longjobs.Job{}, fmt.Errorf("write a wanted file: %w", err)
	}
	id := kernel.NewID[kernel.FileID]()
	job, err := s.LongJobs.Start(ctx, actor, longjobs.Order{Kind: JobFetch, Subject: uuid.UUID(id), State: state})
	return id, job, err
}

// nameOf is the name that was given, else the last part of the URL's path.
func nameOf(rawURL, name string) (string, bool) {
	if name != "" {
		return CleanName(name)
	}
	if u, err := url.Parse(rawURL); err == nil {
		if clean, ok := CleanName(path.Base(u.Path)); ok && clean != "" {
			return clean, true
		}
	}
	return "file", true
}

// outside fetches the bytes, and keeps them as those of an upload are kept: before any transaction.
func (s *Service) outside(ctx context.Context, account kernel.AccountID, j longjobs.Job) (func(context.Context, *longjobs.Job) error, error) {
	var state fetchState
	if err := json.Unmarshal(j.State, &state); err != nil {
		return nil, fmt.Errorf("read a wanted file: %w", err)
	}
	if state.Wanted == nil { // it is there
		return nil, nil //nolint:nilnil // nothing to be done, and no error
	}
	plain, err := s.Seals.Open(sealWanted, state.Wanted)
	if err != nil {
		return nil, fmt.Errorf("open a wanted file: %w", err)
	}
	var w wanted
	if err := json.Unmarshal(plain, &w); err != nil {
		return nil, fmt.Errorf("read a wanted file: %w", err)
	}
	from, declared, err := s.Web.Fetch(ctx, w.URL)
	if err != nil {
		return nil, err
	}
	actor := j.By.Actor(account, auth.FilesWrite)
	st, err := s.keep(ctx, account, kernel.FileID(j.Subject), Upload{Name: w.Name, Declared: declared, From: from, Limit: MaxFetched})
	if err := errors.Join(err, from.Close()); err != nil {
		return nil, err
	}
	return func(ctx context.Context, j *longjobs.Job) error {
		f, err := s.Create(ctx, actor, st)
		if err != nil {
			return err
		}
		j.State, j.Result = json.RawMessage(`{}`), map[string]any{"file_id": f.ID, "content_type": f.ContentType, "size": f.Size}
		return nil
	}, nil
}

// fetched is the step after outside: nothing is left to do.
func fetched(context.Context, kernel.AccountID, *longjobs.Job) (more bool, err error) {
	return false, nil
}
