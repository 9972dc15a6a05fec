"""YouTube's refusals: the words and domains that it uses for each reason."""

from aiohttp import web

from reelqueue.sandbox import google
from reelqueue.sandbox.faults import Order

QUOTA_GONE = (
    'The request cannot be completed because you have exceeded your <a href="/youtube/v3/getting-started#quota">quota</a>.'
)

REASONS: dict[str, tuple[int, str, str]] = {
    "quotaExceeded": (403, "youtube.quota", QUOTA_GONE),
    "dailyLimitExceeded": (403, "usageLimits", "Daily Limit Exceeded. The quota will be reset at midnight Pacific Time (PT)."),
    "rateLimitExceeded": (403, "usageLimits", "Rate Limit Exceeded"),
    "userRateLimitExceeded": (403, "usageLimits", "User Rate Limit Exceeded"),
    "uploadRateLimitExceeded": (
        429,
        "youtube.thumbnail",
        "The channel has uploaded too many thumbnails recently. Please try the request again later.",
    ),
    "uploadLimitExceeded": (400, "youtube.video", "The user has exceeded the number of videos they may upload."),
    "authError": (401, "global", "Invalid Credentials"),
    "required": (401, "global", "Login Required."),
    "youtubeSignupRequired": (401, "youtube.header", "Unauthorized"),
    "insufficientPermissions": (403, "global", "Insufficient Permission: Request had insufficient authentication scopes."),
    "accessNotConfigured": (
        403,
        "usageLimits",
        "YouTube Data API v3 has not been used in project 100000000001 before or it is disabled.",
    ),
    "forbidden": (403, "youtube.common", "Forbidden"),
    "accountSuspended": (403, "youtube.common", "The authenticated user's account is suspended."),
    "alreadyExists": (409, "global", "Requested entity already exists"),
    "backendError": (503, "global", "Backend Error"),
    "internalError": (500, "global", "Internal error encountered."),
    "badRequest": (400, "global", "Request contains an invalid argument."),
    "parseError": (400, "global", "Parse Error"),
    "invalidTitle": (400, "youtube.video", "The request metadata specifies an invalid or empty video title."),
    "invalidDescription": (400, "youtube.video", "The request metadata specifies an invalid video description."),
    "invalidTags": (400, "youtube.video", "The request metadata specifies invalid video keywords."),
    "invalidCategoryId": (400, "youtube.video", "The snippet.categoryId property specifies an invalid category ID."),
    "invalidPublishAt": (400, "youtube.video", "The request metadata specifies an invalid scheduled publishing time."),
    "invalidVideoMetadata": (400, "youtube.video", "The request metadata is invalid."),
    "defaultLanguageNotSetError": (
        400,
        "youtube.video",
        "The request is trying to add localized video details without specifying the default language of the video details.",
    ),
    "mediaBodyRequired": (400, "youtube.video", "The request does not include the video content."),
    "videoNotFound": (404, "youtube.video", "The video that you are trying to use cannot be found."),
    "playlistNotFound": (404, "youtube.playlistItem", "The playlist identified with the request's playlistId cannot be found."),
    "playlistItemNotFound": (404, "youtube.playlistItem", "Playlist item not found."),
    "playlistIdRequired": (400, "youtube.playlistItem", "The request does not specify a value for playlistId."),
    "resourceIdRequired": (400, "youtube.playlistItem", "The request does not identify a resource by its resourceId."),
    "playlistTitleRequired": (400, "youtube.playlist", "The request must specify a playlist title."),
    "playlistItemsNotAccessible": (403, "youtube.playlistItem", "The request is not authorized to change that playlist."),
    "playlistOperationUnsupported": (400, "youtube.playlistItem", "The API does not support changing an uploads playlist."),
    "invalidImage": (400, "youtube.thumbnail", "The provided image content is invalid."),
    "uploadTooLarge": (413, "global", "Media is too large."),
    "captionExists": (409, "youtube.caption", "The specified video already has a caption track with that language and name."),
    "captionNotFound": (404, "youtube.caption", "The caption track could not be found."),
    "contentRequired": (400, "youtube.caption", "The caption track contents were not included in the request."),
    "nameTooLong": (400, "youtube.caption", "The snippet.name property specifies a value that is too long."),
    "invalidMetadata": (400, "youtube.caption", "The request contains invalid metadata values."),
    "missingRequiredParameter": (400, "youtube.parameter", "No filter selected."),
    "invalidPageToken": (400, "youtube.parameter", "The request specifies an invalid page token."),
}
"""Reason -> status, domain, message."""

NAMED_BY_STATUS = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}


class Refused(Exception):
    """A request that YouTube refuses; `answer` says so on the wire."""

    def __init__(self, reason: str, message: str | None = None, *, location: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = refused(reason, message, location=location)


def refused(reason: str, message: str | None = None, *, status: int | None = None, location: str = "") -> web.Response:
    """The refusal for a reason, in YouTube's form."""
    usual, domain, words = REASONS.get(reason, (400, "global", reason))
    chosen = status or usual
    more = {"location": location, "locationType": "parameter"} if location else {}
    if reason == "authError":
        more = {"location": "Authorization", "locationType": "header"}
    name = NAMED_BY_STATUS.get(chosen)
    return google.error(chosen, message or words, reason=reason, domain=domain, name=name, **more)


def uploads_per_day(project: str) -> web.Response:
    """The bucket of video uploads is empty: a 429 that no pause of seconds mends."""
    words = (
        "Quota exceeded for quota metric 'Video Uploads' and limit 'Video Uploads per day' "
        f"of service 'youtube.googleapis.com' for consumer 'project_number:{project}'."
    )
    return google.error(429, words, reason="rateLimitExceeded")


def searches_per_day(project: str) -> web.Response:
    """The bucket of searches is empty."""
    words = (
        "Quota exceeded for quota metric 'Search Queries' and limit 'Search Queries per day' "
        f"of service 'youtube.googleapis.com' for consumer 'project_number:{project}'."
    )
    return google.error(429, words, reason="rateLimitExceeded")


USUAL = {
    400: "badRequest",
    401: "authError",
    403: "forbidden",
    404: "videoNotFound",
    409: "alreadyExists",
    413: "uploadTooLarge",
    429: "rateLimitExceeded",
    500: "internalError",
}
"""Which reason an order means that names only a status."""


THUMBNAIL_FORBIDDEN = "The thumbnail can't be set for the specified video. The request might not be properly authorized."


def ordered_refusal(status: int, order: Order) -> web.StreamResponse:
    """What an order for a status means here: by its `reason`, else the usual one.

    A 5xx of an upload under way without a reason is text, as the upload servers write it.
    A 429 with `per_day` is the empty bucket of uploads.
    """
    asked = order.details
    if status == 429 and asked.get("per_day"):
        return uploads_per_day(str(asked.get("project", "100000000001")))
    if order.call == "thumbnails.set" and status == 403 and not asked:
        return refused("forbidden", THUMBNAIL_FORBIDDEN)
    if order.call in {"upload.chunk", "upload.query"} and status >= 500 and "reason" not in asked:
        return web.Response(status=status, text=asked.get("message", "Service Unavailable"), content_type="text/plain")
    return refused(asked.get("reason", USUAL.get(status, "backendError")), asked.get("message"), status=status)
