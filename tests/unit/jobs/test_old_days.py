"""What was spent on a day is known for 60 days, what a project took in all for good."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from jobs.maintenance.cleanup import cleanup
from jobs.maintenance.clearing import LEDGER_DAYS
from jobs.pipeline import MAINTENANCE
from jobs.spending import money_bucket, project_bucket
from storage.ledger import pacific_day


async def test_cleanup_forgets_the_days_of_more_than_sixty_days_ago(crew, redis):
    today = pacific_day(datetime.now(UTC))
    kept, old = today - timedelta(days=LEDGER_DAYS), today - timedelta(days=LEDGER_DAYS + 1)
    async with crew.service(redis, MAINTENANCE) as service:
        for bucket in (money_bucket(today), money_bucket(kept), money_bucket(old), project_bucket(1)):
            await service.ledger.reserve(bucket, "a", Decimal(1), cap=Decimal(0))

        answer = await cleanup({"service": service})
        left = [
            (await service.ledger.account(bucket)).used for bucket in (money_bucket(kept), money_bucket(old), project_bucket(1))
        ]

    assert (answer["ledger_days"], left) == ([old.isoformat()], [1, 0, 1])
