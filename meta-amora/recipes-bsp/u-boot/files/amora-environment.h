/*
 * The built-in environment's additions, and which variables may come from the stored one: all others are ignored there, so
 * that writing it cannot change what is run. Numbers must be numbers. Given to every source file by
 * KCPPFLAGS="-include amora-environment.h"; with -DAMORA_DEV as well for an image which may be given kernel arguments.
 */
#define AMORA_VERITY_FLAGS(slot) \
	"verity_" slot "_sectors:dw,verity_" slot "_blocks:dw," \
	"verity_" slot "_hash:xw,verity_" slot "_salt:xw,"

#ifdef AMORA_DEV
#define AMORA_DEV_FLAGS ",amora_args:sw"
#else
#define AMORA_DEV_FLAGS
#endif

#define CFG_ENV_FLAGS_LIST_STATIC \
	AMORA_VERITY_FLAGS("a") AMORA_VERITY_FLAGS("b") \
	"amora_slot:sw,upgrade_available:dw,bootcount:dw,bootlimit:dw,ustate:dw" \
	AMORA_DEV_FLAGS

#define CFG_EXTRA_ENV_SETTINGS \
	"devtype=" AMORA_DEVICE_TYPE "\0" \
	"devnum=0\0" \
	"altbootcmd=run bootcmd\0" \
	"amora_slot=a\0" \
	"upgrade_available=0\0" \
	"bootcount=0\0" \
	"ustate=0\0"

/* The boards it is for: QEMU's virt machine, and the Raspberry Pi. */
#ifdef AMORA_VIRTIO
#define AMORA_DEVICE_TYPE "virtio"
#else
#define AMORA_DEVICE_TYPE "mmc"
#endif
