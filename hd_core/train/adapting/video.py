"""Views of a user's own video, cut as `hd-core reconstruct` cuts them."""

from dataclasses import replace
from pathlib import Path

from hd_core.pipeline.line import Plan, predict
from hd_core.pipeline.options import PersonOptions, PredictOptions, SourceOptions
from hd_core.pipeline.source import open_source
from hd_core.progress import Progress
from hd_core.records import read_view
from hd_core.runfolder import RunFolder
from hd_core.train.adapting.clip import AdaptClip, with_maps
from hd_core.train.adapting.options import Charts


def clip_of_video(
    video: Path,
    folder: Path,
    source: SourceOptions,
    person: PersonOptions,
    *,
    most: int,
    maps: Path | None,
    charts: Charts,
    progress: Progress,
) -> AdaptClip:
    """Some frames of a video, spread evenly, with their maps of the body.

    Args:
        video: Video, still, folder of pictures, or a pattern.
        folder: Run folder for the views; an unfinished one is gone on with.
        source: Which frames.
        person: Where the person is.
        most: Frames that are used at most.
        maps: Folder of maps of the body, one for each frame of the video.
        charts: Whose u and v they hold.
        progress: Who is told.

    Raises:
        HdError: With the remedy.
    """
    clip, frames = open_source(video, source)
    every = -(-len(frames) // most)
    some = replace(source, frames=f"{frames.start}:{frames.stop}:{frames.step * every}")
    # The views are wanted, not a prediction: the one that costs nothing is made.
    predict(
        video, folder, Plan(source=some, person=person, predict=PredictOptions(predictor="constant")), progress=progress
    )
    with RunFolder.existing(folder) as run:
        one = run.person_ids()[0]
        paths = [run.frame_path("person", one, index) for index in run.frame_indices("person", one)]
        views = [read_view(path) for path in paths]
    if maps is not None:
        views = with_maps(views, maps, num_frames=clip.num_frames, charts=charts)
    return AdaptClip(name=video.name, views=views, charts=charts)
