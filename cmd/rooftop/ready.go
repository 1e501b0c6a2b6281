package main

import (
	"github.com/spf13/cobra"

	"github.com/rooftop-crm/rooftop/internal/app"
)

func ready(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "ready",
		Short: "Ask the running server whether it can answer requests",
		Long:  "Ask the server at ROOFTOP_ADDR whether it can answer requests: the health check of a container. Exit code 1 when it cannot.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load()
			if err != nil {
				return err
			}
			return app.Ready(cmd.Context(), cfg)
		},
	}
}
