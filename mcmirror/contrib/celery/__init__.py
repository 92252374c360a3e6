"""The executor ``celery``: runs travel to agents by a broker, Redis or RabbitMQ, which is all that an agent reaches."""
