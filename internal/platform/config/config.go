// Package config reads settings from a file and the environment into tagged structs, and prints them with secrets masked.
// It is the one place that reads the environment. Which settings there are is for each room to say.
//
// A setting is a string, int, bool or time.Duration field with a tag: `env:"ROOFTOP_ADDR" default:"127.0.0.1:8080"`.
// `secret:"true"` masks the value, `secret:"url"` masks the password in it.
package config

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Environment is where settings come from: variables over the lines of a file.
type Environment struct{ vars map[string]string }

// Read takes the process's environment and the file that ROOFTOP_CONFIG names, or file when that is not empty. A file
// has lines of NAME=value; blank lines and lines that begin with # do not count.
func Read(file string) (Environment, error) {
	env := Environment{vars: map[string]string{}}
	own := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		own[name] = value
	}
	if file == "" {
		file = own["ROOFTOP_CONFIG"]
	}
	if file != "" {
		if err := env.readFile(file); err != nil {
			return env, err
		}
	}
	maps.Copy(env.vars, own)
	return env, nil
}

func (e Environment) readFile(file string) error {
	f, err := os.Open(file) //nolint:gosec // the operator names the file
	if err != nil {
		return fmt.Errorf("read the configuration file: %w", err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if !ok {
			return fmt.Errorf("%s:%d: write NAME=value", file, n)
		}
		e.vars[strings.TrimSpace(name)] = strings.Trim(strings.TrimSpace(value), `"'`)
	}
	return lines.Err()
}

// Get is one variable, for what is no setting of ours: PATH, SUDO_UID.
func (e Environment) Get(name string) string { return e.vars[name] }

// Load fills the tagged fields of a struct, embedded structs included. It names every value that cannot be read.
func (e Environment) Load(into any) error {
	var bad []error
	each(into, func(f field) {
		text, given := e.vars[f.name]
		if !given || text == "" {
			text = f.def
		}
		if err := f.set(text); err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", f.name, err))
		}
	})
	return errors.Join(bad...)
}

// Unknown lists the variables that look like settings of ours and are none: a slip of the pen, most likely.
func (e Environment) Unknown(of any) []string {
	known := map[string]bool{"ROOFTOP_CONFIG": true}
	each(of, func(f field) { known[f.name] = true })
	var out []string
	for name := range e.vars {
		if strings.HasPrefix(name, "ROOFTOP_") && !known[name] && !strings.HasPrefix(name, "ROOFTOP_TEST_") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Line is one setting as it is printed.
type Line struct{ Name, Value string }

// Describe lists the settings as they take effect, secrets masked.
func Describe(of any) []Line {
	var out []Line
	each(of, func(f field) {
		value := fmt.Sprint(f.value.Interface())
		switch {
		case value == "":
		case f.secret == "url":
			value = maskURL(value)
		case f.secret != "":
			value = "****"
		}
		out = append(out, Line{f.name, value})
	})
	return out
}

func maskURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return "****"
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "xxxxx")
	}
	q := u.Query()
	if q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.String()
}

type field struct {
	name, def, secret string
	value             reflect.Value
}

func each(of any, fn func(field)) { eachOf(reflect.Indirect(reflect.ValueOf(of)), fn) }

func eachOf(v reflect.Value, fn func(field)) {
	for i := range v.NumField() {
		t := v.Type().Field(i)
		if name := t.Tag.Get("env"); name != "" {
			fn(field{name: name, def: t.Tag.Get("default"), secret: t.Tag.Get("secret"), value: v.Field(i)})
		} else if t.Type.Kind() == reflect.Struct {
			eachOf(v.Field(i), fn)
		}
	}
}

func (f field) set(text string) error {
	switch f.value.Interface().(type) {
	case string:
		f.value.SetString(text)
	case int:
		if text == "" {
			text = "0"
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is no whole number", text)
		}
		f.value.SetInt(int64(n))
	case bool:
		if text == "" {
			text = "false"
		}
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		f.value.SetBool(b)
	case time.Duration:
		if text == "" {
			text = "0s"
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is no duration such as 30s or 5m", text)
		}
		f.value.SetInt(int64(d))
	default:
		return fmt.Errorf("a setting cannot be a %s", f.value.Type())
	}
	return nil
}
