"""Who may call what: section 4 of the rules, written down a second time by hand. Two matrices read it.

The gateway's own (services/api-gateway/tests) asks the gateway alone; the other (test_the_matrix.py) the whole product.
"""

WHO = ("nobody", "viewer", "agent", "supervisor", "admin", "owner")
ALL, WORKERS, LEADERS, ADMINS, OWNERS = WHO[1:], WHO[2:], WHO[3:], WHO[4:], WHO[5:]

PUBLIC = {
    "GET /.well-known/jwks.json",
    "GET /api/v1/auth/info",
    "POST /api/v1/auth/invitations/accept",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/password/forgot",
    "POST /api/v1/auth/password/reset",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/register",
    "GET /api/v1/webhooks/info",
    "POST /api/v1/webhooks/{webhook_id}",
    "GET /health",
    "GET /health/database",
    "GET /health/migrations",
    "GET /health/rabbitmq",
    "GET /health/redis",
    "GET /health/temporal",
    "GET /live",
    "GET /ready",
}
"""A closed list. Whoever adds to it opens the product to strangers."""

MAY_SIGN_IN = {"POST /api/v1/auth/invitations/accept"}
"""Public ones that are told who comes signed in: a credential that is sent must be good."""

WHO_MAY = {
    "GET /api/v1/crm/contacts": ALL,
    "POST /api/v1/crm/contacts": WORKERS,
    "GET /api/v1/crm/contacts/{contact_id}": ALL,
    "PATCH /api/v1/crm/contacts/{contact_id}": WORKERS,
    "DELETE /api/v1/crm/contacts/{contact_id}": LEADERS,
    "GET /api/v1/crm/contacts/search": ALL,
    "POST /api/v1/crm/contacts/bulk-tags": WORKERS,
    "PUT /api/v1/crm/contacts/{contact_id}/tags/{tag}": WORKERS,
    "DELETE /api/v1/crm/contacts/{contact_id}/tags/{tag}": WORKERS,
    "GET /api/v1/crm/tags": ALL,
    "GET /api/v1/crm/custom-fields": ALL,
    "POST /api/v1/crm/custom-fields": LEADERS,
    "PATCH /api/v1/crm/custom-fields/{key}": LEADERS,
    "DELETE /api/v1/crm/custom-fields/{key}": ADMINS,
    "PUT /api/v1/crm/contacts/{contact_id}/custom-fields/{key}": WORKERS,
    "DELETE /api/v1/crm/contacts/{contact_id}/custom-fields/{key}": WORKERS,
    "GET /api/v1/crm/channels": ALL,
    "POST /api/v1/crm/channels": ADMINS,
    "GET /api/v1/crm/channels/{channel_id}": ALL,
    "GET /api/v1/crm/channels/{channel_id}/status": ALL,
    "POST /api/v1/crm/channels/{channel_id}/activate": ADMINS,
    "POST /api/v1/crm/channels/{channel_id}/deactivate": ADMINS,
    "POST /api/v1/crm/channels/{channel_id}/configure-webhook": ADMINS,
    "GET /api/v1/crm/channels/{channel_id}/sends": ADMINS,
    "GET /api/v1/crm/channels/{channel_id}/webhook-url": ALL,
    "GET /api/v1/crm/channels/{channel_id}/deliveries": ADMINS,
    "PATCH /api/v1/crm/channels/{channel_id}": ADMINS,
    "DELETE /api/v1/crm/channels/{channel_id}": ADMINS,
    "GET /api/v1/crm/sessions": ALL,
    "GET /api/v1/crm/sessions/{session_id}": ALL,
    "POST /api/v1/crm/sessions/{session_id}/close": WORKERS,
    "GET /api/v1/crm/chats": ALL,
    "GET /api/v1/crm/chats/{chat_id}": ALL,
    "GET /api/v1/crm/messages": ALL,
    "GET /api/v1/crm/messages/{message_id}": ALL,
    "POST /api/v1/crm/messages": WORKERS,
    "GET /api/v1/crm/messages/{message_id}/history": ALL,
    "POST /api/v1/crm/messages/{message_id}/retry": WORKERS,
    "POST /api/v1/crm/messages/{message_id}/cancel": WORKERS,
    "POST /api/v1/crm/messages/{message_id}/mark-delivered": WORKERS,
    "GET /api/v1/crm/pipelines": ALL,
    "POST /api/v1/crm/pipelines": LEADERS,
    "GET /api/v1/crm/pipelines/search": ALL,
    "GET /api/v1/crm/pipelines/{pipeline_id}": ALL,
    "PATCH /api/v1/crm/pipelines/{pipeline_id}": LEADERS,
    "DELETE /api/v1/crm/pipelines/{pipeline_id}": ADMINS,
    "GET /api/v1/crm/pipelines/{pipeline_id}/stats": ("viewer", *LEADERS),
    "GET /api/v1/crm/pipelines/{pipeline_id}/contacts": ALL,
    "POST /api/v1/crm/pipelines/{pipeline_id}/contacts/move": WORKERS,
    "POST /api/v1/crm/pipelines/{pipeline_id}/statuses": LEADERS,
    "PUT /api/v1/crm/pipelines/{pipeline_id}/statuses/order": LEADERS,
    "PATCH /api/v1/crm/pipelines/{pipeline_id}/statuses/{status_id}": LEADERS,
    "DELETE /api/v1/crm/pipelines/{pipeline_id}/statuses/{status_id}": ADMINS,
    "GET /api/v1/crm/contacts/{contact_id}/pipeline-status": ALL,
    "PATCH /api/v1/crm/contacts/{contact_id}/pipeline-status": WORKERS,
    "DELETE /api/v1/crm/contacts/{contact_id}/pipeline-status": WORKERS,
    "GET /api/v1/crm/contacts/{contact_id}/pipeline-history": ALL,
    "GET /api/v1/automation/rules": ALL,
    "POST /api/v1/automation/rules": LEADERS,
    "POST /api/v1/automation/rules/reorder": LEADERS,
    "GET /api/v1/automation/rules/{rule_id}": ALL,
    "PATCH /api/v1/automation/rules/{rule_id}": LEADERS,
    "DELETE /api/v1/automation/rules/{rule_id}": ADMINS,
    "POST /api/v1/automation/rules/{rule_id}/enable": LEADERS,
    "POST /api/v1/automation/rules/{rule_id}/disable": LEADERS,
    "POST /api/v1/automation/rules/{rule_id}/duplicate": LEADERS,
    "POST /api/v1/automation/rules/{rule_id}/test": LEADERS,
    "POST /api/v1/automation/rules/{rule_id}/dry-run": LEADERS,
    "GET /api/v1/automation/rules/{rule_id}/executions": ALL,
    "GET /api/v1/crm/agents": ALL,
    "POST /api/v1/crm/agents": ADMINS,
    "GET /api/v1/crm/agents/search": ALL,
    "POST /api/v1/crm/agents/virtual": ADMINS,
    "GET /api/v1/crm/agents/{agent_id}": ALL,
    "PATCH /api/v1/crm/agents/{agent_id}": ADMINS,
    "DELETE /api/v1/crm/agents/{agent_id}": ADMINS,
    "PUT /api/v1/crm/agents/{agent_id}/status": ALL,
    "PUT /api/v1/crm/agents/{agent_id}/virtual/end-period": ADMINS,
    "GET /api/v1/crm/audit-log": ADMINS,
    "GET /api/v1/events": ("viewer", *LEADERS),
    "GET /api/v1/events/types": ("viewer", *LEADERS),
    "GET /api/v1/events/{event_id}": ("viewer", *LEADERS),
    "GET /api/v1/crm/projects": ALL,
    "POST /api/v1/crm/projects": OWNERS,
    "GET /api/v1/crm/projects/search": ALL,
    "GET /api/v1/crm/projects/{project_id}": ALL,
    "PATCH /api/v1/crm/projects/{project_id}": ADMINS,
    "DELETE /api/v1/crm/projects/{project_id}": OWNERS,
    "GET /api/v1/crm/projects/{project_id}/members": ALL,
    "POST /api/v1/crm/projects/{project_id}/members": ADMINS,
    "PATCH /api/v1/crm/projects/{project_id}/members/{member_id}": ADMINS,
    "DELETE /api/v1/crm/projects/{project_id}/members/{member_id}": ADMINS,
    "GET /api/v1/billing/usage": OWNERS,
    "GET /api/v1/billing/accounts": OWNERS,
    "GET /api/v1/billing/accounts/{account_id}": OWNERS,
    "GET /health/circuit-breakers": (),
}
"""Section 4 of the rules, written down a second time by hand."""


def who_may(method: str, path: str) -> tuple[str, ...] | None:
    """Return who may call an operation; None where nobody wrote that down."""
    name = f"{method} {path}"
    if name in PUBLIC:
        return WHO
    if path.startswith("/api/v1/parked-events"):
        return ADMINS
    if path.startswith("/api/v1/auth/"):
        return ALL
    return WHO_MAY.get(name)
