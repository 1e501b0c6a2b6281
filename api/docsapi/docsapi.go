// Package docsapi serves the description of the API: the document itself and a reference page to read it and try it out,
// without asking any other server. What the document says is made by internal/openapi/generate.
package docsapi

import (
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"

	"github.com/labstack/echo/v4"
	swaggerFiles "github.com/swaggo/files/v2"

	rooftop "github.com/rooftop-crm/rooftop"
	"github.com/rooftop-crm/rooftop/api/httpx"
)

// The page's styles are partly set by its script, hence unsafe-inline there and nowhere else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page
var page embed.FS

// fromLibrary are the files of Swagger UI that the page needs; its other files stay unserved.
var fromLibrary = []string{"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"}

// Routes registers the document and the page. They need no credential.
func Routes(e *echo.Echo) {
	e.GET("/openapi.yaml", documentYAML)
	e.GET("/openapi.json", documentJSON)
	e.GET("/docs", index)
	e.GET("/docs/:file", file)
}

// documentYAML answers openapi.yaml.
//
//	@ID				getOpenAPIYAML
//	@Summary		Read this document as YAML
//	@Description	The description of the API that this server speaks, OpenAPI 3.1.
//	@Tags			operations
//	@Produce		application/yaml
//	@Success		200	{string}	string	"The document."
//	@x-outside		true
//	@Router			/openapi.yaml [get]
func documentYAML(c echo.Context) error {
	return answer(c, "application/yaml", rooftop.OpenAPIYAML())
}

// documentJSON answers the same as JSON.
//
//	@ID				getOpenAPIJSON
//	@Summary		Read this document as JSON
//	@Description	The same document as openapi.yaml.
//	@Tags			operations
//	@Produce		json
//	@Success		200	{object}	object	"The document."
//	@x-outside		true
//	@Router			/openapi.json [get]
func documentJSON(c echo.Context) error {
	return answer(c, "application/json", rooftop.OpenAPIJSON())
}

// index answers the reference page.
//
//	@ID				getReferencePage
//	@Summary		Show the reference page
//	@Description	A page to read this document and to try the API out. It asks no other server for anything.
//	@Tags			operations
//	@Produce		html
//	@Success		200	{string}	string	"The page."
//	@x-outside		true
//	@Router			/docs [get]
func index(c echo.Context) error {
	c.Response().Header().Set("Content-Security-Policy", pagePolicy)
	return serve(c, page, "page/index.html")
}

// file answers a script, style or picture of the page.
//
//	@ID				getReferencePageFile
//	@Summary		Read a file of the reference page
//	@Description	The scripts, styles and pictures that the reference page is made of.
//	@Tags			operations
//	@Produce		text/css,text/javascript,image/png
//	@Param			file	path		string	true	"name of the file"
//	@Success		200		{string}	string	"The file."
//	@Failure		404		{object}	httpx.Problem
//	@x-outside		true
//	@Router			/docs/{file} [get]
func file(c echo.Context) error {
	name := c.Param("file")
	if slices.Contains(fromLibrary, name) {
		return serve(c, swaggerFiles.FS, name)
	}
	if name == "index.html" {
		return httpx.ErrNotFound
	}
	return serve(c, page, "page/"+name)
}

func serve(c echo.Context, files fs.FS, name string) error {
	body, err := fs.ReadFile(files, name)
	if err != nil {
		return httpx.ErrNotFound.Because(err)
	}
	return answer(c, mime.TypeByExtension(path.Ext(name)), body)
}

func answer(c echo.Context, mediaType string, body []byte) error {
	h := c.Response().Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache") // the next release has other files under the same names
	return c.Blob(http.StatusOK, mediaType, body)
}
