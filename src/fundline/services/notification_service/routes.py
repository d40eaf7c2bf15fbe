"""The notification service's HTTP door: each route declared once, and bound to its use case."""

from fundline.contracts.roles import Role
from fundline.platform.http.endpoints import Bound, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.platform.secrets import SecretBox
from fundline.services.notification_service.address_codes import TooManyCodes
from fundline.services.notification_service.answers import (
    NotificationPreferences,
    WebhookDeliveryPage,
    WebhookDeliveryWaiting,
    WebhookEndpoint,
    WebhookEndpointDeleted,
    WebhookEndpointPage,
    WebhookEndpointWithSecret,
)
from fundline.services.notification_service.delivery_desk import (
    DeliveryDesk,
    DeliveryNotFound,
    DeliveryUnderWay,
    EndpointDisabled,
)
from fundline.services.notification_service.endpoints import EndpointNotFound, Endpoints, TooManyEndpoints
from fundline.services.notification_service.preferences import PreferenceDesk
from fundline.services.notification_service.schemas import (
    Confirmation,
    DeliveryQuery,
    EndpointChange,
    EndpointQuery,
    NewEndpoint,
    PreferencesDocument,
)
from fundline.services.notification_service.sealed_answers import sealing

TAG = "notifications"
_OWNERS = (Role.APPLICANT, Role.PARTNER)
_READERS = (*_OWNERS, Role.OPERATOR)
_ALL = "/v1/webhook-endpoints"
_ONE = f"{_ALL}/{{id}}"
_ENDPOINT = PathValue("id", "The endpoint's id.", missing=EndpointNotFound)
_DELIVERY = PathValue("deliveryId", "The delivery's id.", missing=DeliveryNotFound)

CREATE = Endpoint(
    "POST",
    _ALL,
    "createWebhookEndpoint",
    "Have events posted to a URL; the answer shows its secret once.",
    TAG,
    roles=_OWNERS,
    takes=NewEndpoint,
    gives=WebhookEndpointWithSecret,
    status=201,
    says="Made.",
    refuses=(TooManyEndpoints,),
    example={"url": "https://hooks.example.com/fundline", "eventTypes": ["application.status_updated"]},
    location=f"{_ALL}/{{id}}",
    shows_a_secret=True,
)
LIST = Endpoint(
    "GET",
    _ALL,
    "listWebhookEndpoints",
    "The caller's endpoints, newest first; operators see everybody's.",
    TAG,
    roles=_READERS,
    takes=EndpointQuery,
    gives=WebhookEndpointPage,
    says="One page.",
)
READ = Endpoint(
    "GET",
    _ONE,
    "readWebhookEndpoint",
    "One endpoint.",
    TAG,
    roles=_READERS,
    path_values=(_ENDPOINT,),
    gives=WebhookEndpoint,
    says="Found.",
)
CHANGE = Endpoint(
    "PATCH",
    _ONE,
    "changeWebhookEndpoint",
    "Change what is given; switch it off or on.",
    TAG,
    roles=_OWNERS,
    path_values=(_ENDPOINT,),
    takes=EndpointChange,
    gives=WebhookEndpoint,
    says="As it is now.",
    example={"state": "active"},
)
DELETE = Endpoint(
    "DELETE",
    _ONE,
    "deleteWebhookEndpoint",
    "Delete it, with what waits and its log.",
    TAG,
    roles=_OWNERS,
    path_values=(_ENDPOINT,),
    gives=WebhookEndpointDeleted,
    says="Gone.",
)
ROTATE = Endpoint(
    "POST",
    f"{_ONE}/secret/rotate",
    "rotateWebhookSecret",
    "A new secret; the old one signs too for 24 hours.",
    TAG,
    roles=_OWNERS,
    path_values=(_ENDPOINT,),
    gives=WebhookEndpointWithSecret,
    says="The new secret, once.",
    shows_a_secret=True,
)
TEST = Endpoint(
    "POST",
    f"{_ONE}/test",
    "testWebhookEndpoint",
    "Post an event of the type `webhook.test`.",
    TAG,
    roles=_OWNERS,
    path_values=(_ENDPOINT,),
    gives=WebhookDeliveryWaiting,
    status=202,
    says="It goes out.",
    refuses=(EndpointDisabled,),
)
DELIVERIES = Endpoint(
    "GET",
    f"{_ONE}/deliveries",
    "listWebhookDeliveries",
    "The delivery log of 30 days, newest first.",
    TAG,
    roles=_READERS,
    path_values=(_ENDPOINT,),
    takes=DeliveryQuery,
    gives=WebhookDeliveryPage,
    says="One page.",
)
REDELIVER = Endpoint(
    "POST",
    f"{_ONE}/deliveries/{{deliveryId}}/redeliver",
    "redeliverWebhook",
    "Make a delivery that is over again, under the same webhook id.",
    TAG,
    roles=_OWNERS,
    path_values=(_ENDPOINT, _DELIVERY),
    gives=WebhookDeliveryWaiting,
    status=202,
    says="It goes out.",
    refuses=(EndpointDisabled, DeliveryUnderWay),
)
READ_PREFERENCES = Endpoint(
    "GET",
    "/v1/notification-preferences",
    "readNotificationPreferences",
    "What the caller is told, and how.",
    TAG,
    roles=_OWNERS,
    gives=NotificationPreferences,
    says="Found.",
)
PUT_PREFERENCES = Endpoint(
    "PUT",
    "/v1/notification-preferences",
    "putNotificationPreferences",
    "Put the whole document; what is left out takes its default.",
    TAG,
    roles=_OWNERS,
    takes=PreferencesDocument,
    gives=NotificationPreferences,
    says="As it is now; a code is on its way to an address that is not confirmed.",
    refuses=(TooManyCodes,),
    example={"email": {"address": "alice@harborstreet.example"}},
)
CONFIRM_ADDRESS = Endpoint(
    "POST",
    "/v1/notification-preferences/confirmation",
    "confirmAddress",
    "Confirm the address of the caller's preferences by the code that was sent to it.",
    TAG,
    roles=_OWNERS,
    takes=Confirmation,
    gives=NotificationPreferences,
    says="Confirmed.",
    example={"code": "7K2Q-M9XD"},
)
ENDPOINTS = (
    CREATE,
    LIST,
    READ,
    CHANGE,
    DELETE,
    ROTATE,
    TEST,
    DELIVERIES,
    REDELIVER,
    READ_PREFERENCES,
    PUT_PREFERENCES,
    CONFIRM_ADDRESS,
)


def bound(
    endpoints: Endpoints, deliveries: DeliveryDesk, preferences: PreferenceDesk, box: SecretBox
) -> list[Bound]:
    """`box` seals the answers that show a secret."""
    sealed = sealing(box)
    return [
        CREATE.by(lambda call: endpoints.create(call.caller, call.asked, call.once), sealing=sealed),
        LIST.by(lambda call: endpoints.page(call.caller, call.asked)),
        READ.by(lambda call: endpoints.one(call.caller, call.path["id"])),
        CHANGE.by(lambda call: endpoints.change(call.caller, call.path["id"], call.asked, call.once)),
        DELETE.by(lambda call: endpoints.delete(call.caller, call.path["id"], call.once)),
        ROTATE.by(lambda call: endpoints.rotate(call.caller, call.path["id"], call.once), sealing=sealed),
        TEST.by(lambda call: deliveries.test(call.caller, call.path["id"], call.once)),
        DELIVERIES.by(lambda call: deliveries.page(call.caller, call.path["id"], call.asked)),
        REDELIVER.by(
            lambda call: deliveries.redeliver(
                call.caller, call.path["id"], call.path["deliveryId"], call.once
            )
        ),
        READ_PREFERENCES.by(lambda call: preferences.read(call.caller)),
        PUT_PREFERENCES.by(lambda call: preferences.put(call.caller, call.asked, call.once)),
        CONFIRM_ADDRESS.by(lambda call: preferences.confirm(call.caller, call.asked.code, call.once)),
    ]
