// Package schema checks the free-form object custom of any resource against the JSON Schema its account has set for it.
// It owns the compiled schemas and how a violation is told. Keeping the schemas is left to core, which asks Check before
// it keeps one and is asked for them through Source.
package schema

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

const (
	// ttl bounds how long a schema holds after the account has changed it in another process.
	ttl = 10 * time.Second
	// most bounds the accounts whose schemas are kept compiled.
	most = 1000
)

// Source reads an account's JSON Schemas by resource.
type Source func(ctx context.Context, account kernel.AccountID) (map[string]any, error)

// Schemas are the accounts' schemas, compiled.
type Schemas struct {
	source Source
	now    func() time.Time

	mu    sync.Mutex
	known map[kernel.AccountID]compiled
}

type compiled struct {
	byResource map[string]*jsonschema.Schema
	until      time.Time
}

// New returns the schemas that the source has.
func New(source Source, now func() time.Time) *Schemas {
	return &Schemas{source: source, now: now, known: map[kernel.AccountID]compiled{}}
}

// Validate checks custom against the account's schema for the resource ("contact", "lead"). Its errs.Error of kind
// Invalid names each wrong field by a JSON Pointer that begins with /custom. Without a schema everything is right.
func (s *Schemas) Validate(ctx context.Context, account kernel.AccountID, resource string, custom map[string]any) error {
	c, err := s.of(ctx, account)
	if err != nil {
		return err
	}
	schema, ok := c.byResource[resource]
	if !ok {
		return nil
	}
	if custom == nil {
		custom = map[string]any{}
	}
	err = schema.Validate(custom)
	if wrong := new(jsonschema.ValidationError); errors.As(err, &wrong) {
		return errs.InvalidFields(fields(wrong)...)
	}
	if err != nil {
		return fmt.Errorf("check custom of a %s: %w", resource, err)
	}
	return nil
}

// Forget drops what is known of an account whose schemas were changed in this process.
func (s *Schemas) Forget(account kernel.AccountID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, account)
}

func (s *Schemas) of(ctx context.Context, account kernel.AccountID) (compiled, error) {
	s.mu.Lock()
	c, ok := s.known[account]
	s.mu.Unlock()
	if ok && s.now().Before(c.until) {
		return c, nil
	}
	schemas, err := s.source(ctx, account)
	if err != nil {
		return compiled{}, fmt.Errorf("read the account's schemas: %w", err)
	}
	if c, err = compile(schemas); err != nil {
		return compiled{}, fmt.Errorf("the account's schemas: %w", err) // Check let none of these in
	}
	c.until = s.now().Add(ttl)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= most {
		clear(s.known) // rare, and what is in use comes back at once
	}
	s.known[account] = c
	return c, nil
}

// Check tells what is wrong with an account's schemas, an object of JSON Schemas (draft 2020-12 unless they name another)
// by resource. Its errs.Error names the schema by a JSON Pointer that begins with /custom_schemas.
func Check(schemas map[string]any) error {
	var wrong []errs.Field
	for resource, schema := range schemas {
		if _, err := compileOne(resource, schema); err != nil {
			wrong = append(wrong, errs.Field{Pointer: pointer("custom_schemas", resource), Code: "schema", Detail: "This is no JSON Schema: " + err.Error()})
		}
	}
	if len(wrong) > 0 {
		return errs.InvalidFields(wrong...)
	}
	return nil
}

func compile(schemas map[string]any) (compiled, error) {
	c := compiled{byResource: make(map[string]*jsonschema.Schema, len(schemas))}
	for resource, schema := range schemas {
		s, err := compileOne(resource, schema)
		if err != nil {
			return compiled{}, fmt.Errorf("%s: %w", resource, err)
		}
		c.byResource[resource] = s
	}
	return c, nil
}

// place is the address a schema is compiled under. Nothing is ever fetched from it.
const place = "urn:rooftop:custom"

func compileOne(resource string, schema any) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.UseLoader(nowhere{})
	c.AssertFormat()
	if err := c.AddResource(place, schema); err != nil {
		return nil, plain(resource, err)
	}
	s, err := c.Compile(place)
	if err != nil {
		return nil, plain(resource, err)
	}
	return s, nil
}

// nowhere refuses to load: a schema must not make the server read files or call other hosts.
type nowhere struct{}

func (nowhere) Load(string) (any, error) {
	return nil, errors.New("a schema may refer to its own parts only")
}
