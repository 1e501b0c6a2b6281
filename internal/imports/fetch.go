package imports

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/longjobs"
)

// sealWanted is the purpose under which a wanted file is sealed: the query of its URL may be a secret.
const sealWanted = "imports.wanted"

// wanted is a file to be fetched, and how it is to be read, as it is sealed.
type wanted struct {
	URL         string            `json:"url"`
	Format      Format            `json:"format,omitempty"`
	Delimiter   string            `json:"delimiter,omitempty"`
	Mapping     map[string]string `json:"mapping,omitempty"`
	MappingName string            `json:"mapping_name,omitempty"`
	SaveAs      string            `json:"save_as,omitempty"`
}

// want notes on the import what is to be fetched, and how it is to be read.
func (s *Service) want(i *Import, n New) error {
	if err := s.Web.Check(n.URL); err != nil {
		e, ok := errs.As(err)
		if !ok {
			return err
		}
		return errs.InvalidFields(errs.Field{Pointer: "/url", Code: e.Code, Detail: e.Public}).Because(err)
	}
	u, err := url.Parse(n.URL)
	if err != nil {
		return fmt.Errorf("read a URL that was checked: %w", err)
	}
	if name := path.Base(u.Path); i.FileName == "" && name != "." && name != "/" {
		i.FileName = name
	}
	u.RawQuery, u.Fragment = "", ""
	i.URL = u.String()
	open, err := json.Marshal(wanted{URL: n.URL, Format: n.Format, Delimiter: n.Delimiter, Mapping: n.Mapping, MappingName: n.MappingName, SaveAs: n.SaveAs})
	if err != nil {
		return fmt.Errorf("write a wanted file: %w", err)
	}
	i.Wanted = s.Seals.Seal(sealWanted, open)
	return nil
}

// fetch gets the file of an import that has only its URL, outside of any transaction. The import keeps it, so that what
// goes on after a crash reads the same file.
func (s *Service) fetch(ctx context.Context, account kernel.AccountID, j longjobs.Job) (func(context.Context, *longjobs.Job) error, error) {
	i, err := s.Store.Find(ctx, account, kernel.ImportID(j.Subject))
	if errors.Is(err, ErrNotFound) || err == nil && i.Wanted == nil {
		return nil, nil //nolint:nilnil // nothing to be done, and no error
	}
	if err != nil {
		return nil, err
	}
	k, err := s.kind(i.Kind)
	if err != nil {
		return nil, err
	}
	open, err := s.Seals.Open(sealWanted, i.Wanted)
	if err != nil {
		return nil, fmt.Errorf("open a wanted file: %w", err)
	}
	var w wanted
	if err := json.Unmarshal(open, &w); err != nil {
		return nil, fmt.Errorf("read a wanted file: %w", err)
	}
	n := New{Kind: i.Kind, Format: w.Format, Delimiter: w.Delimiter, Mapping: w.Mapping, MappingName: w.MappingName, SaveAs: w.SaveAs}
	raw, err := s.Web.Fetch(ctx, w.URL)
	if err != nil {
		return nil, err
	}
	t, err := read(raw, n.Format, n.Delimiter)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, j *longjobs.Job) error { return s.fill(ctx, account, k, n, t, j) }, nil
}

func (s *Service) fill(ctx context.Context, account kernel.AccountID, k Kind, n New, t table, j *longjobs.Job) error {
	i, err := s.Store.Lock(ctx, account, kernel.ImportID(j.Subject))
	if errors.Is(err, ErrNotFound) || err == nil && i.Wanted == nil { // somebody else was quicker
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.hold(ctx, j.By.Actor(account, auth.ImportsWrite), k, n, t, &i); err != nil {
		return err
	}
	i.Wanted, j.Total = nil, &i.Rows
	i.Version++
	i.UpdatedAt = s.Now()
	return s.Store.Fill(ctx, account, i, parts(t))
}
