"""mcmirror.contrib.django, by the application of examples/django."""
