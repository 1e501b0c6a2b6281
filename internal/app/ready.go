package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// readyTimeout is more than the server itself takes to find out.
const readyTimeout = 3 * time.Second

// Ready asks the server at the configured address whether it can answer requests, and says why when it cannot.
func Ready(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+cfg.Addr+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", cfg.Addr, err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("ask %s: %w", cfg.Addr, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	var problem struct {
		Detail string `json:"detail"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil || problem.Detail == "" {
		return fmt.Errorf("%s answers %s", cfg.Addr, resp.Status)
	}
	return fmt.Errorf("%s answers %s: %s", cfg.Addr, resp.Status, problem.Detail)
}
