package app

import (
	"io"
	"log/slog"
	"os"
)

// logOutput is where logs go: never where a command's answer goes.
var logOutput io.Writer = os.Stderr

// SetUpLog makes the program's log: lines to read in development, JSON in production. Personal data is in neither.
func (c Config) SetUpLog() error {
	level, err := c.level()
	if err != nil {
		return err
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Development() {
		slog.SetDefault(slog.New(slog.NewTextHandler(logOutput, options)))
		return nil
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(logOutput, options)))
	return nil
}
