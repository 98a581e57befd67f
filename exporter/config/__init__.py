"""The YAML's checked, frozen model. Light on purpose: the dashboards import it too."""
