package imports

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// Format is how rows are written.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	JSON Format = "json" // an array of flat objects
)

// Record is one row of the file as it was read.
type Record struct {
	Line  int      `json:"line"` // of the file; of JSON the place in the array, from 1
	Cells []string `json:"cells"`
	Fault string   `json:"fault,omitempty"` // why it could not be read
}

// The bounds of a file.
const (
	maxRecords = 200_000
	maxColumns = 200
	maxCells   = 5_000_000 // of all records together, without empty ones at the end of each: what bounds the memory
	maxCell    = 32 << 10
)

var (
	errEmpty     = errs.New(errs.Invalid, "import.empty", "The file has no rows. The first line of a CSV file names its columns.")
	errTooMany   = errs.New(errs.Invalid, "import.too_many_rows", "The file has too many rows or columns: 200000 rows and 200 columns are the most.")
	errTooLarge  = errs.New(errs.Invalid, "import.too_large", "The file has more than 5 million cells. Split it, or leave out columns that are not needed.")
	errNotJSON   = errs.New(errs.Invalid, "import.unreadable", "The file is no JSON array of flat objects.")
	errColumns   = errs.New(errs.Invalid, "import.bad_header", "Each column needs a name of its own in the first line.")
	errDelimiter = errs.New(errs.Invalid, "import.bad_delimiter", "The delimiter must be one of: comma, semicolon, tab, vertical bar.")
)

// table is a file that was read.
type table struct {
	format    Format
	charset   string
	delimiter string
	columns   []string
	records   []Record
	cells     int // of the records
}

// read reads a file. An empty format or delimiter is found out.
func read(raw []byte, format Format, delimiter string) (table, error) {
	text, charset, err := decode(raw)
	if err != nil {
		return table{}, err
	}
	if format == "" {
		format = CSV
		if strings.HasPrefix(strings.TrimSpace(text), "[") {
			format = JSON
		}
	}
	t := table{format: format, charset: charset}
	if format == JSON {
		return t, t.readJSON(text)
	}
	d := delimiterOf(text)
	if delimiter != "" {
		if len(delimiter) != 1 || !strings.Contains(delimiters, delimiter) {
			return table{}, errDelimiter
		}
		d = rune(delimiter[0])
	}
	t.delimiter = string(d)
	return t, t.readCSV(text, d)
}

func (t *table) readCSV(text string, delimiter rune) error {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = delimiter, -1
	for {
		cells, err := r.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			if t.columns == nil {
				return errEmpty
			}
			return t.check()
		case errors.As(err, &broken) && t.columns != nil:
			t.records = append(t.records, Record{Line: broken.StartLine, Fault: broken.Err.Error()})
		case err != nil:
			return errColumns.Because(err)
		case t.columns == nil:
			if t.columns, err = header(cells); err != nil {
				return err
			}
		default:
			line, _ := r.FieldPos(0)
			t.add(line, cells)
		}
		if err := t.bounded(); err != nil {
			return err
		}
	}
}

// header names the columns. Trailing empty ones are a spreadsheet's, and no columns.
func header(cells []string) ([]string, error) {
	out := make([]string, 0, len(cells))
	for _, c := range cells {
		out = append(out, strings.TrimSpace(c))
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	seen := map[string]bool{}
	for _, c := range out {
		if c == "" || seen[c] {
			return nil, errColumns
		}
		seen[c] = true
	}
	if len(out) == 0 {
		return nil, errEmpty
	}
	if len(out) > maxColumns {
		return nil, errTooMany
	}
	return out, nil
}

func (t *table) add(line int, cells []string) {
	blank := true
	for i, c := range cells {
		cells[i] = disarmed(strings.TrimSpace(c))
		blank = blank && cells[i] == ""
	}
	if blank {
		return
	}
	rec := Record{Line: line, Cells: cells}
	switch {
	case len(cells) > len(t.columns) && strings.Join(cells[len(t.columns):], "") != "":
		rec = Record{Line: line, Fault: "the row has more cells than the first line has columns"}
	case slices.ContainsFunc(cells, func(c string) bool { return len(c) > maxCell }):
		rec = Record{Line: line, Fault: "a cell is longer than 32 KiB"}
	default:
		rec.Cells = filled(cells)
	}
	t.cells += len(rec.Cells)
	t.records = append(t.records, rec)
}

// filled is cells up to the last that says something, in a slice of that size.
func filled(cells []string) []string {
	n := len(cells)
	for n > 0 && cells[n-1] == "" {
		n--
	}
	return slices.Clone(cells[:n])
}

// bounded is asked after each record, so that a file beyond the bounds is given up where it passes them.
func (t *table) bounded() error {
	switch {
	case len(t.records) > maxRecords || len(t.columns) > maxColumns:
		return errTooMany
	case t.cells > maxCells:
		return errTooLarge
	}
	return nil
}

func (t *table) check() error {
	if len(t.records) == 0 {
		return errEmpty
	}
	return nil
}

// readJSON reads an array of objects; the columns are their keys, in the order in which they first come.
func (t *table) readJSON(text string) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if tok, err := d.Token(); err != nil || tok != json.Delim('[') {
		return errNotJSON
	}
	place := map[string]int{}
	for line := 1; d.More(); line++ {
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return errNotJSON.Because(err)
		}
		t.object(line, item, place)
		if err := t.bounded(); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errNotJSON.Because(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errNotJSON
	}
	return t.check()
}

func (t *table) object(line int, item json.RawMessage, place map[string]int) {
	d := json.NewDecoder(strings.NewReader(string(item)))
	d.UseNumber()
	fault := func(why string) { t.records = append(t.records, Record{Line: line, Fault: why}) }
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		fault("it is no object")
		return
	}
	cells := make([]string, len(t.columns))
	for d.More() {
		name, err := d.Token()
		key, ok := name.(string)
		if err != nil || !ok {
			fault("it is no object")
			return
		}
		value, err := d.Token()
		if _, nested := value.(json.Delim); err != nil || nested {
			fault("the value of " + key + " is no text, number or boolean")
			return
		}
		at, known := place[key]
		if !known {
			at = len(t.columns)
			place[key], t.columns = at, append(t.columns, key)
			cells = slices.Grow(cells, 1)[:at+1]
		}
		cells[at] = plainText(value)
	}
	t.add(line, cells)
}

func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

// formulas are how a cell begins that a spreadsheet would run.
const formulas = "=+-@\t\r"

// armed is a cell as it is written to CSV: what a spreadsheet would run is text by an apostrophe.
func armed(cell string) string {
	if cell != "" && strings.ContainsRune(formulas, rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// disarmed is what armed was given.
func disarmed(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune(formulas, rune(cell[1])) {
		return cell[1:]
	}
	return cell
}
