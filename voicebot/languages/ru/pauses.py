"""Russian words that nobody ends a sentence with."""

from voicebot.languages.shape import Pauses, listed

PAUSES = Pauses(
    not_last=frozenset(
        listed(
            """
    и или но а что чтобы если когда потому мой моя мои моё мне меня для про о об с без на в к э эм ну значит
    """
        )
    ),
    wishes=("хочу", "хотел бы", "хотела бы"),
)
