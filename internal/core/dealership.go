package core

import (
	"fmt"
	"slices"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
	"github.com/rooftop-crm/rooftop/pkg/phone"
)

var (
	// ErrCodeTaken is the answer to a dealer code that another dealership of the account has.
	ErrCodeTaken = errs.New(errs.Conflict, "dealership.code_taken",
		"Another dealership of this account has this scheme and code. Take the code off it first.")
	// ErrDealershipRefTaken is the answer to an external reference that another dealership has.
	ErrDealershipRefTaken = errs.New(errs.Conflict, "dealership.ref_taken",
		"Another dealership of this account has this external reference. Update that one by its reference, or take the reference off it first.")
	// ErrDealershipExists is the answer to an upsert that was to create only.
	ErrDealershipExists = errs.New(errs.Stale, "precondition.exists",
		"A dealership has this reference already, and If-None-Match: * asked to create it only.")
	// ErrUnknownDealership is the answer to a dealership_id that names no dealership of the account.
	ErrUnknownDealership = errs.New(errs.Invalid, "dealership.unknown", "There is no such dealership in this account.")
)

// Dealership is a rooftop: one point of sale of an account.
type Dealership struct {
	ID      kernel.DealershipID
	Version int64
	DealershipDetails
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt *time.Time
}

// DealershipDetails is what is written about a dealership.
type DealershipDetails struct {
	Name         string
	LegalName    string
	Brands       []string
	Country      string // ISO 3166-1 alpha-2; the account's when not given
	TimeZone     string // IANA; the account's when not given
	Address      Address
	Position     *Position // nil when not known
	Phone        string    // E.164
	Email        string
	Website      string
	IsDefault    bool // takes leads that name no dealership; one of the account's at most
	Codes        []Code
	ExternalRefs []kernel.ExternalRef
	Custom       map[string]any
}

// Address is where a dealership is. Its country is the dealership's.
type Address struct {
	Lines      []string
	PostalCode string
	City       string
	Region     string
}

// Position is a place on earth in degrees, WGS 84.
type Position struct {
	Latitude  float64
	Longitude float64
}

// Code is what a manufacturer or provider calls a dealership. Scheme names whose code it is.
type Code struct {
	Scheme string `json:"scheme"`
	Code   string `json:"code"`
}

// DealershipFilter narrows a list. A zero field does not narrow.
type DealershipFilter struct {
	Only                       []kernel.DealershipID // those the caller may see; nil for all
	Country, Brand             string
	CreatedFrom, CreatedBefore *time.Time
	UpdatedFrom, UpdatedBefore *time.Time
}

// Validate brings the details into their stored form. It fails with every bad field at once.
func (d *DealershipDetails) Validate() error {
	var w wrong
	w.text("/name", &d.Name, maxName, true)
	w.text("/legal_name", &d.LegalName, maxName, false)
	w.country("/country", &d.Country)
	w.timeZone("/time_zone", d.TimeZone)
	w.website("/website", &d.Website)
	d.Brands = w.texts("/brands", d.Brands, maxCode)
	d.Address.validate(&w)
	d.validateReach(&w)
	if p := d.Position; p != nil {
		if !(p.Latitude >= -90 && p.Latitude <= 90) {
			w.add("/position/latitude", "out_of_range", "Must be between -90 and 90.")
		}
		if !(p.Longitude >= -180 && p.Longitude <= 180) {
			w.add("/position/longitude", "out_of_range", "Must be between -180 and 180.")
		}
	}
	d.validateCodes(&w)
	w.refs("/external_refs", d.ExternalRefs)
	w.custom("/custom", d.Custom)
	return w.err()
}

func (a *Address) validate(w *wrong) {
	a.Lines = w.texts("/address/lines", a.Lines, maxName)
	if len(a.Lines) > maxAddressLn {
		w.add("/address/lines", "too_many", fmt.Sprintf("At most %d.", maxAddressLn))
	}
	w.text("/address/postal_code", &a.PostalCode, maxCode, false)
	w.text("/address/city", &a.City, maxCode, false)
	w.text("/address/region", &a.Region, maxCode, false)
}

func (d *DealershipDetails) validateReach(w *wrong) {
	if d.Phone != "" {
		n := phone.Parse(d.Phone, d.Country)
		if d.Phone = n.E164; !n.Valid {
			w.add("/phone", "invalid", "Give a telephone number, with + and the country's code or as it is dialled in the country.")
		}
	}
	if d.Email != "" {
		var ok bool
		if d.Email, ok = fold.Email(d.Email); !ok {
			w.add("/email", "invalid", "Give one e-mail address.")
		}
	}
}

func (d *DealershipDetails) validateCodes(w *wrong) {
	if len(d.Codes) > maxList {
		w.add("/codes", "too_many", fmt.Sprintf("At most %d.", maxList))
		return
	}
	for i := range d.Codes {
		at := fmt.Sprintf("/codes/%d", i)
		w.text(at+"/scheme", &d.Codes[i].Scheme, maxCode, true)
		w.text(at+"/code", &d.Codes[i].Code, maxCode, true)
		if slices.Contains(d.Codes[:i], d.Codes[i]) {
			w.add(at, "duplicate", "This code is given twice.")
		}
	}
}

// texts trims a list of texts, drops empty and repeated ones, and checks lengths.
func (w *wrong) texts(pointer string, list []string, most int) []string {
	out := []string{}
	for i, s := range list {
		w.text(fmt.Sprintf("%s/%d", pointer, i), &s, most, false)
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(out) > maxList {
		w.add(pointer, "too_many", fmt.Sprintf("At most %d.", maxList))
	}
	return out
}

// diff names, as on the wire, the fields in which the two differ.
func (d DealershipDetails) diff(o DealershipDetails) []string {
	var c diff
	c.add("name", d.Name == o.Name)
	c.add("legal_name", d.LegalName == o.LegalName)
	c.add("brands", slices.Equal(d.Brands, o.Brands))
	c.add("country", d.Country == o.Country)
	c.add("time_zone", d.TimeZone == o.TimeZone)
	c.add("address", slices.Equal(d.Address.Lines, o.Address.Lines) && d.Address.PostalCode == o.Address.PostalCode &&
		d.Address.City == o.Address.City && d.Address.Region == o.Address.Region)
	c.add("position", samePtr(d.Position, o.Position))
	c.add("phone", d.Phone == o.Phone)
	c.add("email", d.Email == o.Email)
	c.add("website", d.Website == o.Website)
	c.add("is_default", d.IsDefault == o.IsDefault)
	c.add("codes", slices.Equal(d.Codes, o.Codes))
	c.add("external_refs", slices.Equal(d.ExternalRefs, o.ExternalRefs))
	c.add("custom", sameJSON(d.Custom, o.Custom))
	return c.names
}

// PageKey is where a page sorted that way ends with this dealership.
func (d Dealership) PageKey(sort page.Sort) page.Key {
	return pageKey(sort, [16]byte(d.ID), d.CreatedAt, d.UpdatedAt)
}
