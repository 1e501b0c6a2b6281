package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// withHead answers HEAD as the GET that it asks the header fields of (RFC 9110, 9.3.2), on every route. It is here and not
// among the routes, so that these are the documented operations and no more.
func withHead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			// A copy: net/http keeps the body of the answer back by the method of the request that it gave us.
			r = r.WithContext(r.Context())
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// allowHead names HEAD in the Allow of a 405 and of an answer to OPTIONS, where echo lists the methods of the routes alone.
func (s *Server) allowHead(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.routeOf(c) != nil {
			return next(c)
		}
		res := c.Response()
		res.Before(func() {
			h := res.Header()
			if allow := h.Get(echo.HeaderAllow); strings.Contains(allow, http.MethodGet) {
				h.Set(echo.HeaderAllow, strings.Replace(allow, http.MethodGet, "GET, HEAD", 1))
			}
		})
		return next(c)
	}
}
