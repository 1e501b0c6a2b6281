package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// annotatedCopy copies the module's source to a new directory, with every wire field annotated. The caller removes it.
func annotatedCopy(root string) (string, error) {
	to, err := os.MkdirTemp("", "rooftop-openapi-")
	if err != nil {
		return "", err
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipDir(rel, d.Name()) {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o750)
		}
		if !copied(d.Name()) {
			return nil
		}
		return copyFile(path, filepath.Join(to, rel))
	})
	if err == nil {
		// The root package embeds the document that is being made.
		err = os.Remove(filepath.Join(to, "rooftop.go"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		_ = os.RemoveAll(to)
		return "", err
	}
	return to, nil
}

func skipDir(rel, name string) bool {
	if rel == "." {
		return false
	}
	return strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || rel == "tools" || rel == "docs"
}

func copied(name string) bool {
	return name == "go.mod" || name == "go.sum" || strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if strings.HasSuffix(from, ".go") {
		if text, err = annotate(from, text); err != nil {
			return err
		}
	}
	return os.WriteFile(to, text, 0o600)
}

// edit replaces source[from:to].
type edit struct {
	from, to int
	text     string
}

// annotate rewrites the fields with a json tag so that swag sees what it would miss: ids and times become strings with
// their format, pointers that are always sent become nullable, patch fields become optional and nullable.
func annotate(name string, source []byte) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	offset := func(p token.Pos) int { return files.Position(p).Offset }
	var edits []edit
	for _, decl := range file.Decls {
		if types, ok := decl.(*ast.GenDecl); ok && types.Tok == token.TYPE && types.Doc != nil {
			edits = append(edits, edit{offset(types.Doc.End()), offset(types.Doc.End()), describe(types.Doc)})
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		structure, ok := n.(*ast.StructType)
		if !ok {
			return true
		}
		for _, field := range structure.Fields.List {
			if field.Tag == nil || reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json") == "" {
				continue
			}
			old := string(source[offset(field.Type.Pos()):offset(field.Type.End())])
			goType, tag := annotateField(old, strings.Trim(field.Tag.Value, "`"))
			edits = append(edits,
				edit{offset(field.Type.Pos()), offset(field.Type.End()), goType},
				edit{offset(field.Tag.Pos()), offset(field.Tag.End()), "`" + tag + "`"})
		}
		return true
	})
	slices.SortFunc(edits, func(a, b edit) int { return b.from - a.from })
	for _, e := range edits {
		source = slices.Concat(source[:e.from], []byte(e.text), source[e.to:])
	}
	return source, nil
}

// describe makes a type's comment the description of its schema, which swag takes from a note only.
func describe(doc *ast.CommentGroup) string {
	return "\n// @Description " + strings.Join(strings.Fields(doc.Text()), " ")
}

// annotateField returns the type and tag that swag shall read instead.
func annotateField(goType, tag string) (newType, newTag string) {
	tags := reflect.StructTag(tag)
	options := strings.Split(tags.Get("json"), ",")[1:]
	optional := slices.Contains(options, "omitempty") || slices.Contains(options, "omitzero")
	nullable := strings.HasPrefix(goType, "*") && !optional

	if inner, ok := strings.CutPrefix(goType, "merge.Field["); ok {
		goType = strings.TrimSuffix(inner, "]")
		optional, nullable = true, true
	}
	bare := strings.TrimLeft(goType, "*[]")
	format := ""
	switch {
	case bare == "uuid.UUID" || strings.HasPrefix(bare, "kernel.") && strings.HasSuffix(bare, "ID"):
		goType, format = strings.TrimSuffix(goType, bare)+"string", "uuid"
	case bare == "time.Time":
		goType, format = strings.TrimSuffix(goType, bare)+"string", "date-time"
	case bare == "json.RawMessage":
		goType = strings.TrimSuffix(goType, bare) + "map[string]any"
	case bare == "int64":
		format = "int64"
	}
	if format != "" && tags.Get("format") == "" {
		tag += ` format:"` + format + `"`
	}
	return goType, withExtensions(tag, optional, nullable)
}

// withExtensions adds x-nullable and x-omitempty to the tag's extensions; one that the author wrote, also "!x-nullable", stands.
func withExtensions(tag string, optional, nullable bool) string {
	const key = `extensions:"`
	written := reflect.StructTag(tag).Get("extensions")
	extensions := []string{}
	if written != "" {
		extensions = strings.Split(written, ",")
		tag = strings.TrimSpace(strings.Replace(tag, key+written+`"`, "", 1))
	}
	add := func(name string) {
		if !slices.Contains(extensions, name) && !slices.Contains(extensions, "!"+name) {
			extensions = append(extensions, name)
		}
	}
	if nullable {
		add("x-nullable")
	}
	if optional {
		add("x-omitempty")
	}
	if len(extensions) == 0 {
		return tag
	}
	return tag + " " + key + strings.Join(extensions, ",") + `"`
}
