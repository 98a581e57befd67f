"""The YAML config: parsed, checked, and turned into one frozen model.

A YAML file comes in; a Config comes out, or a ConfigError with every problem and its line. The dashboards import this
package too, so it imports little. Start with `loader`, which runs all steps, then `root`, the model.
"""
