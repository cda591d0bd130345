"""The device on Microsoft's SDK that the IoT Hub door is measured against."""
