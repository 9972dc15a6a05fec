"""Which jobs load the CPU."""

from jobs.pipeline import cpu_jobs


def test_assets_load_the_cpu_only_where_voice_or_pictures_are_made_here() -> None:
    here, elsewhere = cpu_jobs(assets=True), cpu_jobs(assets=False)

    assert here == ("generate_assets_task", "render_video_task", "generate_thumbnail_task")
    assert elsewhere == ("render_video_task", "generate_thumbnail_task")
