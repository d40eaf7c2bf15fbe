"""The notification service: tells owners of applications what happened, by e-mail and by signed webhooks."""
