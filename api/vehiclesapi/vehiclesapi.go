// Package vehiclesapi is the HTTP face of vehicles. It owns routes and wire types. The rules are in internal/vehicles.
package vehiclesapi

import (
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/vehicles"
)

type handler struct{ vehicles *vehicles.Service }

// Routes registers the paths, all of which need a credential.
func Routes(g *echo.Group, svc *vehicles.Service) {
	h := handler{vehicles: svc}
	g.GET("/vin/:vin", h.vin)
}
