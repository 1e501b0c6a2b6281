package app

import (
	"context"
	"log/slog"

	"github.com/rooftop-crm/rooftop/internal/platform/config"
	"github.com/rooftop-crm/rooftop/internal/platform/memory"
)

// Run serves until ctx ends. started is called once the server answers; it may be nil.
func Run(ctx context.Context, cfg Config, started func(context.Context, *App) error) error {
	for _, line := range config.Describe(cfg) {
		slog.InfoContext(ctx, "setting", "name", line.Name, "value", line.Value)
	}
	a, err := New(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close(ctx)
	on, err := cfg.Listen(ctx)
	if err != nil {
		return err
	}
	slog.InfoContext(ctx, "listening", "address", on.Addr().String(), "services", cfg.Services, "version", Version)
	memory.ReleaseSoon() // what only the start took is a third of what is resident
	if started != nil {
		if err := started(ctx, a); err != nil {
			return err
		}
	}
	return a.Serve(ctx, on)
}
