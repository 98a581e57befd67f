"""One evaluation of everything in the config, from the store: business metrics and KPIs as of one instant."""
